import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Prints the messages of topics as lines "TOPIC ID DATA", by WebSocket in envelopes (tickgate.v1), and goes on where it was when the
 * connection breaks. Java 17 or newer and nothing else:
 *
 * <pre>[TICKGATE_TOKEN=…] java Subscribe.java http://127.0.0.1:8080 'price.*' chat.1</pre>
 *
 * It ends with status 1 when the gateway refuses, and would do so again.
 */
public class Subscribe {
    /** The gateway pings after 30 s of silence; one that is silent for longer than that is gone. */
    private static final Duration SILENCE = Duration.ofSeconds(75);
    /** Close codes after which the same would happen again. */
    private static final List<Integer> FOR_GOOD = List.of(1002, 1003, 1007, 1008, 1009);
    /** Errors of subscribing that may be over soon. */
    private static final List<String> PASSING = List.of("busy", "unavailable", "too_many_patterns", "no_room_for_topic");
    private static final Pattern RETRY = Pattern.compile("retry=(\\d+)");
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final URI address;
    private final String topics;
    private final String token;
    /** The id of the last message. */
    private volatile String last = "";
    /** Tries in a row without success. */
    private volatile int failures;

    private Subscribe(String url, List<String> topics, String token) {
        this.address = URI.create(url.replaceFirst("^http", "ws") + "/ws");
        this.topics = topics.stream().map(Subscribe::quote).collect(Collectors.joining(","));
        this.token = token;
    }

    public static void main(String[] args) throws InterruptedException {
        if (args.length < 2) {
            System.err.println("usage: java Subscribe.java URL TOPIC…");
            System.exit(2);
        }
        List<String> topics = List.of(args).subList(1, args.length);
        try {
            new Subscribe(args[0], topics, System.getenv("TICKGATE_TOKEN")).run();
        } catch (Refused why) {
            System.err.println("given up: " + why.getMessage());
            System.exit(1);
        }
    }

    /** Connects until the gateway refuses. */
    private void run() throws Refused, InterruptedException {
        for (;; failures++) {
            long wait;
            try {
                Session session = new Session();
                WebSocket.Builder builder = http.newWebSocketBuilder().subprotocols("tickgate.v1").connectTimeout(Duration.ofSeconds(10));
                if (token != null) {
                    builder.header("Authorization", "Bearer " + token);
                }
                WebSocket socket = builder.buildAsync(address, session).get();
                wait = session.await(socket);
                socket.abort(); // if it is open still
            } catch (ExecutionException e) {
                wait = refusal(e.getCause());
            }
            System.err.println("disconnected, back in " + wait + " ms");
            Thread.sleep(wait);
        }
    }

    /** Returns milliseconds to wait if nobody says how many: ever more, and not the same for all clients. */
    private long pause() {
        return ThreadLocalRandom.current().nextLong(500, 1500) << Math.min(failures, 6);
    }

    /** Returns the milliseconds to wait after a handshake that came to nothing. */
    private long refusal(Throwable why) throws Refused {
        if (!(why instanceof WebSocketHandshakeException handshake)) {
            return pause(); // nobody there
        }
        HttpResponse<?> answer = handshake.getResponse();
        int status = answer.statusCode();
        if (status >= 400 && status < 500 && status != 408 && status != 429) {
            throw new Refused(status + " " + answer.headers().firstValue("WWW-Authenticate").orElse(""));
        }
        return answer.headers().firstValue("Retry-After").map(s -> Long.parseLong(s) * 1000).orElseGet(this::pause);
    }

    /** One connection. */
    private class Session implements WebSocket.Listener {
        private final CompletableFuture<String> ended = new CompletableFuture<>(); // with code and reason
        private final StringBuilder text = new StringBuilder(); // the parts of a message so far
        private volatile long heard = System.nanoTime();

        /** Returns, when the connection has ended, the milliseconds until the next one. */
        long await(WebSocket socket) throws Refused, InterruptedException {
            while (true) {
                try {
                    String[] why = ended.get(1, TimeUnit.SECONDS).split(" ", 2);
                    if (FOR_GOOD.contains(Integer.parseInt(why[0]))) {
                        throw new Refused(String.join(" ", why));
                    }
                    Matcher told = RETRY.matcher(why[1]);
                    return told.matches() ? Long.parseLong(told.group(1)) : pause();
                } catch (TimeoutException e) {
                    if (System.nanoTime() - heard > SILENCE.toNanos()) {
                        socket.abort();
                        return pause();
                    }
                } catch (ExecutionException e) { // cut off
                    return pause();
                }
            }
        }

        @Override
        public void onOpen(WebSocket socket) {
            socket.sendText("{\"t\":\"sub\",\"ref\":1,\"topics\":[" + topics + "],\"since\":" + quote(last) + "}", true);
            socket.request(1);
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean whole) {
            heard = System.nanoTime();
            text.append(part);
            if (whole) {
                take(members(text.toString()));
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onPing(WebSocket socket, ByteBuffer message) {
            heard = System.nanoTime(); // the answer is sent by the JDK
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            ended.complete(code + " " + reason);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable why) {
            ended.completeExceptionally(why);
        }

        private void take(Map<String, String> m) {
            switch (unquote(m.get("t"))) {
                case "msg" -> {
                    String id = unquote(m.getOrDefault("id", "\"\""));
                    OUT.println(unquote(m.get("topic")) + " " + id + " " + m.get("data"));
                    if (!id.isEmpty()) { // with max_rate some messages come late, without an id to go on from
                        last = id;
                    }
                }
                case "ok" -> {
                    System.err.println("connected");
                    failures = 0;
                    if (last.isEmpty()) { // where to go on if nothing comes before the connection breaks
                        last = unquote(m.getOrDefault("id", "\"\""));
                    }
                }
                case "gap" -> System.err.println("gap: messages are missing: " + m);
                case "error" -> {
                    String code = unquote(m.get("code"));
                    ended.complete((PASSING.contains(code) ? 1013 : 1008) + " " + code + ": " + m.get("message"));
                }
                default -> { } // later versions may say more
            }
        }
    }

    /** An answer that the gateway would give again. */
    private static class Refused extends Exception {
        Refused(String message) {
            super(message);
        }
    }

    // The JDK reads no JSON. An application has a library for that, and needs none of what follows.

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String unquote(String json) {
        return json.substring(1, json.length() - 1).replace("\\\"", "\"").replace("\\\\", "\\");
    }

    private static final Pattern TOKEN = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*+\"|[{}\\[\\]:,]|[^\\s\"{}\\[\\]:,]+");

    /** Returns the members of a JSON object, each value as it stands. */
    private static Map<String, String> members(String json) {
        Map<String, String> members = new HashMap<>();
        String name = null;
        int depth = 0, begin = 0;
        for (Matcher token = TOKEN.matcher(json); token.find();) {
            switch (token.group()) {
                case "{", "[" -> depth++;
                case "}", "]" -> depth--;
                default -> { }
            }
            boolean ends = depth == 1 && token.group().equals(",") || depth == 0;
            if (ends && name != null) {
                members.put(name, json.substring(begin, token.start()).strip());
                name = null;
            } else if (depth == 1 && name == null && token.group().startsWith("\"")) {
                name = unquote(token.group());
            } else if (depth == 1 && token.group().equals(":")) {
                begin = token.end();
            }
        }
        return members;
    }
}
