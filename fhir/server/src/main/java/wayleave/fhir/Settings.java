package wayleave.fhir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Everything that one hospital's server needs to know. It comes from the environment only: arguments can be read by
 * every user of a machine, and a database password is among this.
 */
record Settings(
    String name, int port, String bind, String dbUrl, String dbUser, String dbPassword, Path accessLog) {

  /** The servers that FHIR_SERVERS names, as {@code name=port,name=port}. */
  static List<Settings> fromEnvironment() {
    return Arrays.stream(env("FHIR_SERVERS", "fhir=8080").split(",")).map(Settings::of).toList();
  }

  private static Settings of(String server) {
    String[] parts = server.trim().split("=", 2);
    if (parts.length != 2 || !parts[0].matches("[A-Za-z0-9_-]{1,40}")) {
      throw new IllegalArgumentException("FHIR_SERVERS is not name=port,name=port: " + server);
    }
    String name = parts[0];
    String url = env("FHIR_DB_URL", "jdbc:h2:mem:{name};DB_CLOSE_DELAY=-1").replace("{name}", name);
    String accessLog = env("FHIR_ACCESS_LOG", "").replace("{name}", name);
    return new Settings(
        name,
        Integer.parseInt(parts[1]),
        env("FHIR_BIND", "127.0.0.1"),
        url,
        env("FHIR_DB_USER", "sa"),
        env("FHIR_DB_PASSWORD", ""),
        accessLog.isEmpty() ? null : Path.of(accessLog));
  }

  boolean isPostgres() {
    return dbUrl.startsWith("jdbc:postgresql:");
  }

  private static String env(String key, String fallback) {
    String value = System.getenv(key);
    return value == null || value.isBlank() ? fallback : value;
  }
}
