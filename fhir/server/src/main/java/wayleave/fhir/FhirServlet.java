package wayleave.fhir;

import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import org.springframework.context.ApplicationContext;

/** HAPI's REST layer, filled with the storage of one Spring context. */
class FhirServlet extends RestfulServer {

  private final transient ApplicationContext beans;
  private final transient Settings settings;

  FhirServlet(ApplicationContext beans, Settings settings) {
    super(beans.getBean(IFhirSystemDao.class).getContext());
    this.beans = beans;
    this.settings = settings;
  }

  @Override
  protected void initialize() {
    setDefaultResponseEncoding(EncodingEnum.JSON);
    registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
    registerProvider(beans.getBean(IJpaSystemProvider.class));
    setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
    if (settings.accessLog() != null) {
      registerInterceptor(new AccessLog(settings.accessLog()));
    }
    IFhirSystemDao<?, ?> system = beans.getBean(IFhirSystemDao.class);
    JpaCapabilityStatementProvider metadata =
        new JpaCapabilityStatementProvider(
            this,
            system,
            beans.getBean(JpaStorageSettings.class),
            beans.getBean(ISearchParamRegistry.class),
            beans.getBean("myJpaValidationSupportChain", IValidationSupport.class));
    metadata.setImplementationDescription("A hospital's FHIR server");
    setServerConformanceProvider(metadata);
  }
}
