/* The wall clock of a process, so many seconds off (NIGHTDESK_TEST_CLOCK). Put before the C library with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, time);
    const char *off = getenv("NIGHTDESK_TEST_CLOCK");
    if (result == 0 && id == CLOCK_REALTIME && off) time->tv_sec += atoll(off);
    return result;
}
