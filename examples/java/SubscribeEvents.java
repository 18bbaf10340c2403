import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Prints the messages of topics as lines "ID DATA", from an event stream (SSE), and goes on where it was when the connection breaks.
 * Java 17 or newer and nothing else:
 *
 * <pre>[TICKGATE_TOKEN=…] java SubscribeEvents.java http://127.0.0.1:8080 'price.*' chat.1</pre>
 *
 * It ends with status 1 when the gateway refuses, and would do so again.
 */
public class SubscribeEvents {
    /** The gateway sends a heartbeat after 30 s of silence; a stream that is silent for longer than that is dead. */
    private static final Duration SILENCE = Duration.ofSeconds(75);
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    private final URI address;
    private final String token;
    /** The id of the last whole message. */
    private String last = "";
    /** Milliseconds until the next try, as the gateway says. */
    private long retry = 2000;

    private SubscribeEvents(String url, List<String> topics, String token) {
        this.address = URI.create(url + "/sse?" + topics.stream()
                .map(topic -> "topic=" + URLEncoder.encode(topic, StandardCharsets.UTF_8)).collect(Collectors.joining("&")));
        this.token = token;
    }

    public static void main(String[] args) throws InterruptedException {
        if (args.length < 2) {
            System.err.println("usage: java SubscribeEvents.java URL TOPIC…");
            System.exit(2);
        }
        List<String> topics = List.of(args).subList(1, args.length);
        try {
            new SubscribeEvents(args[0], topics, System.getenv("TICKGATE_TOKEN")).run();
        } catch (Refused why) {
            System.err.println("given up: " + why.getMessage());
            System.exit(1);
        }
    }

    /** Connects until the gateway refuses. */
    private void run() throws Refused, InterruptedException {
        for (int failures = 0;;) {
            long wait;
            try {
                HttpResponse<InputStream> answer = http.send(request(), HttpResponse.BodyHandlers.ofInputStream());
                if (answer.statusCode() == 200) {
                    System.err.println("connected");
                    failures = 0;
                    events(answer.body());
                    wait = retry;
                } else {
                    wait = refusal(answer, retry << Math.min(failures++, 5));
                }
            } catch (IOException e) { // nobody there, cut off, or silent
                wait = retry << Math.min(failures++, 5);
            }
            System.err.println("disconnected, back in " + wait + " ms");
            Thread.sleep(wait);
        }
    }

    private HttpRequest request() {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).version(HttpClient.Version.HTTP_1_1)
                .timeout(SILENCE).header("Accept", "text/event-stream");
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        if (!last.isEmpty()) {
            request.header("Last-Event-ID", last);
        }
        return request.build();
    }

    /** Returns the milliseconds to wait after an answer other than 200. */
    private static long refusal(HttpResponse<InputStream> answer, long fallback) throws Refused, IOException {
        String body = new String(answer.body().readAllBytes(), StandardCharsets.UTF_8);
        int status = answer.statusCode();
        if (status < 500 && status != 408 && status != 429) {
            throw new Refused(status + " " + body);
        }
        return answer.headers().firstValue("Retry-After").map(s -> Long.parseLong(s) * 1000).orElse(fallback);
    }

    /** Takes the stream apart (WHATWG HTML §9.2.6); an event that was cut off is not one. */
    private void events(InputStream body) throws IOException {
        String id = "", type = "";
        StringJoiner data = new StringJoiner("\n").setEmptyValue("");
        boolean any = false;
        BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
        while (true) {
            String line = readLine(lines, body);
            if (line == null) {
                return;
            }
            String value = line.substring(line.indexOf(':') + 1).replaceFirst("^ ", "");
            if (line.startsWith("id:")) {
                id = value;
            } else if (line.startsWith("event:")) {
                type = value;
            } else if (line.startsWith("data:")) {
                data.add(value);
                any = true;
            } else if (line.matches("retry: ?\\d+")) {
                retry = Long.parseLong(value);
            } else if (line.isEmpty() && any) {
                take(id, type, data.toString());
                id = type = "";
                data = new StringJoiner("\n").setEmptyValue("");
                any = false;
            }
        }
    }

    /** Reads a line; the stream ends if none comes in time. */
    private String readLine(BufferedReader lines, InputStream body) throws IOException {
        Future<?> alarm = watch.schedule(() -> {
            body.close();
            return null;
        }, SILENCE.toSeconds(), TimeUnit.SECONDS);
        try {
            return lines.readLine();
        } finally {
            alarm.cancel(false);
        }
    }

    private void take(String id, String type, String data) {
        if (type.equals("gap")) {
            System.err.println("gap: messages are missing: " + data);
        } else {
            OUT.println(id + " " + data);
            last = id;
        }
    }

    /** An answer that the gateway would give again. */
    private static class Refused extends Exception {
        Refused(String message) {
            super(message);
        }
    }
}
