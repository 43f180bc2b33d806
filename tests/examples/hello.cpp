// hello.cpp - the library from C++17: a daemon that greets into its log and sleeps for some seconds.
//
//   c++ -std=c++17 -Icore tests/examples/hello.cpp build/core/libblivet.a -o hello
//   ./hello /absolute/path/of/log SECONDS
#include "blivet.h"
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sysexits.h>
#include <thread>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: hello LOG SECONDS\n";
        return EX_USAGE;
    }
    blivet_config config{}; // all zero: the default
    blivet_error error{};
    config.stdout_path = config.stderr_path = argv[1];
    config.umask = 022;

    // The daemon's context is closed when main returns; there is none in the launcher.
    const std::unique_ptr<blivet_context, decltype(&blivet_close)> daemon(blivet_daemonize(&config, &error),
                                                                          blivet_close);
    if (!daemon) {
        std::cerr << "hello: " << error.message << '\n';
        return error.exit_code;
    }
    std::cout << "hello from process " << getpid() << std::endl;
    if (blivet_notify_parent(daemon.get(), &error) != 0)
        blivet_report_error(daemon.get(), &error);
    std::this_thread::sleep_for(std::chrono::seconds(std::atoi(argv[2])));
    std::cout << "goodbye" << std::endl;
}
