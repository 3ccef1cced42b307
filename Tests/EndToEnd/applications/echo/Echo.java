import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/** Tomcat at its laxest, with one servlet at /admin/* and one for the rest; both echo what they saw: RESOURCE, METHOD, TARGET, fields, an empty line, the body. */
public class Echo extends HttpServlet {
    private final String resource;
    private final Path log;

    Echo(String resource, Path log) {
        this.resource = resource;
        this.log = log;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String query = request.getQueryString();
        String target = request.getRequestURI() + (query == null ? "" : "?" + query);
        synchronized (Echo.class) {
            Files.writeString(log, request.getMethod() + " " + target + "\n", StandardCharsets.ISO_8859_1, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        StringBuilder text = new StringBuilder(resource + "\n" + request.getMethod() + "\n" + target + "\n");
        byte[] body = request.getInputStream().readAllBytes();
        for (String name : Collections.list(request.getHeaderNames()))
            for (String value : Collections.list(request.getHeaders(name))) text.append(name + ": " + value + "\n");
        if (request.isTrailerFieldsReady()) request.getTrailerFields().forEach((name, value) -> text.append(name + ": " + value + "\n"));
        answer.write((text + "\n").getBytes(StandardCharsets.ISO_8859_1));
        answer.write(body);
        response.setHeader("X-Echo", "tomcat");
        response.setContentLength(answer.size());
        response.getOutputStream().write(answer.toByteArray());
    }

    public static void main(String[] arguments) throws Exception {
        Path log = Path.of(arguments[1]);
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(arguments[2]);
        Connector connector = new Connector();
        connector.setPort(Integer.parseInt(arguments[0]));
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("maxKeepAliveRequests", "-1");
        connector.setProperty("keepAliveTimeout", "60000");
        connector.setProperty("relaxedPathChars", "<>[]^`{|}\"\\");
        connector.setProperty("relaxedQueryChars", "<>[]^`{|}\"\\");
        connector.setProperty("maxHttpRequestHeaderSize", "65536");
        connector.setProperty("maxHeaderCount", "300");
        connector.setProperty("allowedTrailerHeaders", "x-forwarded-user,x_forwarded_user,x-menwei-assertion,remote-user,x-harmless");
        connector.setEncodedSolidusHandling("decode");
        tomcat.setConnector(connector);
        var context = tomcat.addContext("", arguments[2]);
        Tomcat.addServlet(context, "admin", new Echo("admin", log));
        Tomcat.addServlet(context, "other", new Echo("other", log));
        context.addServletMappingDecoded("/admin/*", "admin");
        context.addServletMappingDecoded("/*", "other");
        tomcat.start();
        System.out.println("ready");
        tomcat.getServer().await();
    }
}
