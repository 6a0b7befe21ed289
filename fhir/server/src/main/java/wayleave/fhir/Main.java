package wayleave.fhir;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts one FHIR R4 server for each hospital that FHIR_SERVERS names, all inside this JVM. */
public final class Main {

  private static final Logger LOG = LoggerFactory.getLogger("wayleave");

  private Main() {}

  /** Ends with SIGTERM, or, where FHIR_STOP_AT_EOF is set, when standard input ends: whoever started it is gone. */
  public static void main(String[] args) throws InterruptedException {
    List<HospitalServer> servers = new ArrayList<>();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> servers.forEach(HospitalServer::close)));
    if (Boolean.parseBoolean(System.getenv("FHIR_STOP_AT_EOF"))) {
      Thread watch = new Thread(Main::exitAtEndOfInput, "parent-watch");
      watch.setDaemon(true);
      watch.start();
    }
    try {
      for (Settings settings : Settings.fromEnvironment()) {
        servers.add(HospitalServer.start(settings));
        LOG.info("{} listens on {}:{}", settings.name(), settings.bind(), settings.port());
      }
    } catch (Exception e) {
      LOG.error("the server does not start", e);
      System.exit(1); // the threads that were started already would keep the process alive
    }
    Thread.currentThread().join();
  }

  private static void exitAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // what comes does not matter, that it ends does
      }
    } catch (IOException e) {
      LOG.warn("standard input failed", e);
    }
    System.exit(0);
  }
}
