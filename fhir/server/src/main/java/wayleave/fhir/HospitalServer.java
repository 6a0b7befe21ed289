package wayleave.fhir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** One hospital's FHIR server: a Spring context with HAPI's storage, and a Tomcat that answers under /fhir. */
final class HospitalServer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("wayleave");

  /** A FHIR token holds a bar, as in {@code identifier=system|value}, which clients often leave as it is. */
  private static final String RAW_IN_QUERIES = "|^[]{}\\`\"<>";

  private final Tomcat tomcat;
  private final AnnotationConfigApplicationContext beans;

  private HospitalServer(Tomcat tomcat, AnnotationConfigApplicationContext beans) {
    this.tomcat = tomcat;
    this.beans = beans;
  }

  /** Returns when the server answers. */
  static HospitalServer start(Settings settings) throws IOException, LifecycleException {
    AnnotationConfigApplicationContext beans = new AnnotationConfigApplicationContext();
    beans.setAllowCircularReferences(true); // HAPI's own configuration has some
    beans.registerBean(Settings.class, () -> settings);
    beans.register(FhirConfig.class);
    beans.refresh();

    Path folder = Files.createTempDirectory("wayleave-fhir-tomcat");
    folder.toFile().deleteOnExit();
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder.toString());
    tomcat.setConnector(connector(settings));
    Context app = tomcat.addContext("", folder.toString());
    Wrapper servlet = Tomcat.addServlet(app, "fhir", new FhirServlet(beans, settings));
    servlet.setLoadOnStartup(1);
    servlet.addMapping("/fhir/*");
    tomcat.start();
    return new HospitalServer(tomcat, beans);
  }

  private static Connector connector(Settings settings) {
    Connector http = new Connector();
    http.setPort(settings.port());
    http.setProperty("address", settings.bind());
    http.setProperty("maxThreads", "32");
    http.setProperty("relaxedQueryChars", RAW_IN_QUERIES);
    http.setThrowOnFailure(true);
    return http;
  }

  @Override
  public void close() {
    try {
      tomcat.stop();
    } catch (LifecycleException e) {
      LOG.warn("Tomcat did not stop", e);
    }
    beans.close();
  }
}
