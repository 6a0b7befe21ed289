package wayleave.fhir;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings.ClientIdStrategyEnum;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings.IdStrategyEnum;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.model.HistoryCountModeEnum;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.subscription.submit.interceptor.SubscriptionMatcherInterceptor;
import ca.uhn.fhir.jpa.subscription.submit.interceptor.SynchronousSubscriptionMatcherInterceptor;
import com.zaxxer.hikari.HikariDataSource;
import jakarta.persistence.EntityManagerFactory;
import java.util.HashMap;
import java.util.Map;
import javax.sql.DataSource;
import org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/** The beans that HAPI's JPA configuration classes expect the application to bring. */
@Configuration
@Import({
  JpaR4Config.class, HapiJpaConfig.class, ThreadPoolFactoryConfig.class,
  JpaBatch2Config.class, Batch2JobsConfig.class,
  SubscriptionSubmitterConfig.class, SubscriptionProcessorConfig.class, SubscriptionChannelConfig.class
})
class FhirConfig {

  @Bean
  JpaStorageSettings storageSettings() {
    JpaStorageSettings s = new JpaStorageSettings();
    s.setReuseCachedSearchResultsForMillis(null);
    // HAPI caches the number of versions: _history would drop the oldest versions for a while
    s.setHistoryCountMode(HistoryCountModeEnum.COUNT_ACCURATE);
    s.setResourceServerIdStrategy(IdStrategyEnum.UUID);
    s.setResourceClientIdStrategy(ClientIdStrategyEnum.ANY);
    // A hospital's programs write in whatever order they finish, and refer to other hospitals' resources.
    s.setEnforceReferentialIntegrityOnWrite(false);
    s.setAllowExternalReferences(true);
    s.setEnableTaskBulkExportJobExecution(false);
    s.setEnableTaskBulkImportJobExecution(false);
    return s;
  }

  @Bean
  SubscriptionSettings subscriptionSettings() {
    SubscriptionSettings s = new SubscriptionSettings();
    s.addSupportedSubscriptionType(SubscriptionChannelType.RESTHOOK);
    return s;
  }

  /**
   * Takes the place of HAPI's bean of this name, which keeps an outbox in the database: it is looked at every 5 s, so that
   * hooks come late, and a deletion that meets the one who looks is answered 409. Here subscriptions are matched right
   * after the commit; a hook that was due when the process died is lost, and whoever listens reads the history anyway.
   */
  @Bean
  SubscriptionMatcherInterceptor subscriptionMatcherInterceptor() {
    return new SynchronousSubscriptionMatcherInterceptor();
  }

  @Bean
  PartitionSettings partitionSettings() {
    return new PartitionSettings();
  }

  @Bean
  IEmailSender emailSender() {
    return details -> { };
  }

  @Bean
  IBinaryStorageSvc binaryStorageSvc() {
    return new DatabaseBinaryContentStorageSvcImpl();
  }

  @Bean(destroyMethod = "close")
  DataSource dataSource(Settings settings) {
    HikariDataSource ds = new HikariDataSource();
    ds.setPoolName("db-" + settings.name());
    ds.setJdbcUrl(settings.dbUrl());
    ds.setUsername(settings.dbUser());
    ds.setPassword(settings.dbPassword());
    ds.setMaximumPoolSize(10);
    return ds;
  }

  @Bean
  @Primary
  LocalContainerEntityManagerFactoryBean entityManagerFactory(
      ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings storage,
      DataSource dataSource, Settings settings) {
    LocalContainerEntityManagerFactoryBean emf =
        HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, storage);
    emf.setPersistenceUnitName("fhir-" + settings.name());
    emf.setDataSource(dataSource);
    Map<String, Object> p = new HashMap<>();
    p.put("hibernate.dialect",
        (settings.isPostgres() ? HapiFhirPostgresDialect.class : HapiFhirH2Dialect.class).getName());
    p.put("hibernate.hbm2ddl.auto", "update");
    p.put("hibernate.search.enabled", "false");
    p.put("hibernate.jdbc.batch_size", "20");
    p.put("hibernate.order_inserts", "true");
    p.put("hibernate.order_updates", "true");
    emf.setJpaPropertyMap(p);
    return emf;
  }

  @Bean
  @Primary
  JpaTransactionManager transactionManager(EntityManagerFactory emf) {
    return new JpaTransactionManager(emf);
  }
}
