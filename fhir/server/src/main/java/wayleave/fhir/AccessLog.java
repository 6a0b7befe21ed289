package wayleave.fhir;

import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.api.server.ResponseDetails;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes one line of JSON a request, before its answer is sent: when, what interaction (FHIR R4 §3.1.0), on what, with
 * what outcome. Never a query string and never a body, since both may name a patient. Reads inside a Bundle have no
 * line of their own.
 */
@Interceptor
class AccessLog {

  private static final ObjectMapper JSON = new ObjectMapper();
  private final Path file;

  AccessLog(Path file) {
    this.file = file;
  }

  @Hook(Pointcut.SERVER_OUTGOING_RESPONSE)
  public void answered(RequestDetails request, HttpServletRequest http, ResponseDetails answer) {
    write(request, http, answer.getResponseCode());
  }

  @Hook(Pointcut.SERVER_HANDLE_EXCEPTION)
  public boolean failed(
      RequestDetails request, HttpServletRequest http, BaseServerResponseException failure) {
    write(request, http, failure.getStatusCode());
    return true; // HAPI goes on to answer
  }

  private void write(RequestDetails request, HttpServletRequest http, int status) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("at", Instant.now().toString());
    line.put("method", http.getMethod());
    var type = request == null ? null : request.getRestOperationType();
    line.put("interaction", type == null ? "operation" : type.getCode());
    if (request != null && request.getResourceName() != null) {
      line.put("resourceType", request.getResourceName());
    }
    if (request != null && request.getId() != null && request.getId().hasIdPart()) {
      line.put("id", request.getId().getIdPart());
    }
    line.put("status", status);
    try {
      append(JSON.writeValueAsString(line) + "\n");
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private synchronized void append(String line) {
    try {
      Files.writeString(file, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // no answer without its line
    }
  }
}
