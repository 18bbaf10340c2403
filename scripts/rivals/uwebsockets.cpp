// A server on uWebSockets' publish/subscribe: one 120-byte tick a second to every client of /ws.
// usage: uwebsockets PORT THREADS
#include "App.h"
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct PerSocketData {};

static std::mutex mtx;
static std::vector<std::pair<uWS::Loop *, uWS::App *>> apps;

static void serve(int port) {
    uWS::App app;
    app.ws<PerSocketData>("/ws", {
        .compression = uWS::DISABLED,
        .maxPayloadLength = 16 * 1024,      // default
        .idleTimeout = 46,                  // ping after 30 s without input, 16 s for the pong
        .maxBackpressure = 64 * 1024,       // default
        .closeOnBackpressureLimit = false,  // default
        .resetIdleTimeoutOnSend = false,    // default
        .sendPingsAutomatically = true,     // default
        .open = [](auto *ws) { ws->subscribe("ticks"); },
    }).listen("127.0.0.1", port, [port](auto *token) {
        if (!token) { std::fprintf(stderr, "cannot listen on %d\n", port); std::exit(1); }
    });
    {
        std::lock_guard<std::mutex> lock(mtx);
        apps.emplace_back(uWS::Loop::get(), &app);
    }
    app.run();
}

// The timer: sleeps until the full second exactly (us_timer has milliseconds only) and lets every loop publish.
static void tick() {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct timespec at = {now.tv_sec + 1, 0};
    for (unsigned long seq = 1;; seq++, at.tv_sec++) {
        while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, nullptr) != 0) {}
        char head[120];
        int n = std::snprintf(head, sizeof head, "{\"sym\":\"ACME\",\"price\":101.25,\"seq\":%lu,\"ts\":%ld000000000,\"pad\":\"", seq, (long) at.tv_sec);
        std::string message(head, (size_t) n);
        message.append(120 - 2 - message.size(), 'x').append("\"}");
        std::lock_guard<std::mutex> lock(mtx);
        for (auto [loop, app] : apps)
            loop->defer([app, message]() { app->publish("ticks", message, uWS::OpCode::TEXT, false); });
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int port = std::atoi(argv[1]), threads = std::atoi(argv[2]);
    for (int i = 1; i < threads; i++) std::thread(serve, port).detach();
    std::thread(tick).detach();
    serve(port); // the main thread is a loop, too
}
