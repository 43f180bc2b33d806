/* replay.c - runs a fuzz target once over each file that is named: the corpus in the ordinary test run. */
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int main(int argc, char **argv)
{
    static uint8_t bytes[1 << 16];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t count = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        LLVMFuzzerTestOneInput(bytes, count);
    }
    printf("%s ASR-6  %s: %d inputs replayed\n", argc > 1 ? "ok  " : "FAIL", argv[0], argc - 1);
    return argc > 1 ? 0 : 1;
}
