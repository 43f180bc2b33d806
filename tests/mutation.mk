# mutation.mk - the build of tests/mutation.sh: what may be mutated is one shared object, the unit tests are linked once.
#
# With sieve=tcc that compiler, which takes a tenth of the time, makes the objects that it can make.
#
# PROGRAM.objects names the objects that the linker takes from an archive for it: no other can change what it does.
out := build-mutation
defines := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icore
flags := -std=c11 -O0 -w -fPIC -fstack-protector-all -fsanitize=undefined -fsanitize-undefined-trap-on-error $(defines)
sources := $(wildcard core/*.c) $(filter-out cli/main.c cli/daemoncheck.c,$(wildcard cli/*.c)) syscall/libc.c syscall/trace.c faults/script.c \
  $(wildcard faults/kernel*.c)
objects := $(sources:%.c=$(out)/%.o)
killers := $(patsubst tests/unit/%.c,$(out)/%,$(wildcard tests/unit/test_*.c))

all: $(out)/subject.so $(killers) $(out)/torture

$(out)/subject.so: $(objects)
	$(or $(sieve),$(CC)) -shared $^ -o $@

$(out)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(sieve),$(sieve) -w -fPIC -D_Atomic= $(defines) -c $< -o $@ 2>/dev/null ||) $(CC) $(flags) -c $< -o $@

$(out)/faults/%.o $(out)/syscall/%.o $(out)/torture: flags += -O2 # what is not mutated

$(out)/subject.a: | $(out)/subject.so
	rm -f $@ && $(AR) rcsT $@ $(objects)

$(out)/test_%: tests/unit/test_%.c | $(out)/subject.so $(out)/subject.a
	$(CC) $(flags) $< $(out)/subject.a -lcmocka -Wl,--trace,-z,noexecstack -o $@ >$@.objects
	$(CC) $(flags) $< $(out)/subject.so -lcmocka -Wl,-rpath,$(CURDIR)/$(out) -o $@

torture := torture.c judge.c promises.c situations.c
$(out)/torture: $(torture:%=tests/torture/%) | $(out)/subject.so $(out)/subject.a
	$(CC) $(flags) $^ $(out)/subject.a -Wl,--trace,-z,noexecstack -o $@ >$@.objects
	$(CC) $(flags) $^ $(out)/subject.so -Wl,-rpath,$(CURDIR)/$(out) -o $@
