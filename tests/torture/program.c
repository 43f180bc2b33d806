/* program.c - the program that the torture starts: it says that it is ready in one of the ways, and stays.
 *
 *     program [notify | fd NUMBER | end CODE] */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void notify(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *name = getenv("NOTIFY_SOCKET");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    size_t length = name ? strlen(name) : 0;
    if (length < 2 || length > sizeof address.sun_path)
        _exit(1);
    memcpy(address.sun_path, name, length);
    address.sun_path[0] = '\0';
    /* Whether or not anybody hears it any more. */
    (void)sendto(fd, "READY=1", 7, 0, (const struct sockaddr *)&address, (socklen_t)(sizeof address.sun_family + length));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "notify") == 0)
        notify();
    if (argc > 2 && strcmp(argv[1], "fd") == 0 && write(atoi(argv[2]), "\n", 1) != 1)
        _exit(3);
    if (argc > 2 && strcmp(argv[1], "end") == 0)
        return atoi(argv[2]);
    for (;;)
        pause();
}
