/* Put before the C library's by LD_PRELOAD: the wall clock says what stands in a file of 8 bytes, in microseconds since 1970.
   0, or no file: the true time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long long *stands_at;

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("HALLWAY_TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *memory = mmap(0, sizeof *stands_at, PROT_READ, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED)
        stands_at = memory;
    close(file);
}

int gettimeofday(struct timeval *time, void *zone)
{
    long long micros = stands_at ? *stands_at : 0;
    if (!micros || !time)
        return syscall(SYS_gettimeofday, time, zone);
    time->tv_sec = micros / 1000000;
    time->tv_usec = micros % 1000000;
    return 0;
}
