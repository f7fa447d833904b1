"""Searching the memory of another process, by way of /proc/PID/mem.

Of what is private the pages that are there are read, as pagemap tells them; of what is shared all that
its file holds, whoever has written it: a page this process has not touched yet is in its reach, too.
"""

import array
import errno
import os
import re

PAGE = os.sysconf("SC_PAGE_SIZE")
CHUNK = 4 << 20
THERE = (1 << 63) | (1 << 62)  # in memory, or swapped out: Documentation/admin-guide/mm/pagemap.rst


def mappings(pid):
    """(start, end, is shared, name) of all that it can read."""
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            start, end, rights, name = re.match(
                r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
            if rights[0] == "r" and name not in ("[vvar]", "[vsyscall]"):
                yield int(start, 16), int(end, 16), rights[3] == "s", name


def libraries(pid):
    """The names of the files that it has mapped."""
    with open("/proc/%d/maps" % pid) as maps:
        return {os.path.basename(line.split(None, 5)[5].strip()) for line in maps
                if len(line.split(None, 5)) == 6}


def present(pid, start, end):
    """Runs of pages that are there."""
    with open("/proc/%d/pagemap" % pid, "rb") as file:
        file.seek(start // PAGE * 8)
        pages = array.array("Q", file.read((end - start) // PAGE * 8))
    begun = None
    for at, page in enumerate(pages):
        if page & THERE and begun is None:
            begun = at
        elif not page & THERE and begun is not None:
            yield start + begun * PAGE, start + at * PAGE
            begun = None
    if begun is not None:
        yield start + begun * PAGE, start + len(pages) * PAGE


def filled(pid, start, end):
    """Runs of a shared mapping for which its file has content."""
    path = "/proc/%d/map_files/%x-%x" % (pid, start, end)
    with open("/proc/%d/maps" % pid) as maps:
        base = next(int(line.split()[2], 16) for line in maps if line.startswith("%x-" % start))
    file = os.open(path, os.O_RDONLY)
    try:
        at = base
        while at < base + end - start:
            data = os.lseek(file, at, os.SEEK_DATA)
            at = os.lseek(file, data, os.SEEK_HOLE)
            yield start + data - base, min(start + at - base, end)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.EINVAL):  # there is no more; not that kind of file
            raise
    finally:
        os.close(file)


def runs(pid, start, end, is_shared):
    if is_shared:
        try:
            yield from filled(pid, start, end)
            return
        except PermissionError:
            pass  # that wants more than looking at memory does
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
                raise
    yield from present(pid, start, end)


def search(pid, needles):
    """Looks for each of {name: bytes} in all of it.  The names found, each with the mapping's, and how
    many bytes were looked at: 0 when the process has ended."""
    overlap, found, looked_at = max(map(len, needles.values())) - 1, set(), 0
    try:
        with open("/proc/%d/mem" % pid, "rb", 0) as memory:
            for start, end, is_shared, name in mappings(pid):
                for first, last in runs(pid, start, end, is_shared):
                    kept = b""
                    for at in range(first, last, CHUNK):
                        try:
                            piece = os.pread(memory.fileno(), min(CHUNK, last - at), at)
                        except OSError as error:
                            if error.errno not in (errno.EIO, errno.EFAULT):
                                raise
                            break  # a device's, or gone meanwhile
                        looked_at += len(piece)
                        text = kept + piece
                        found |= {(needle, name) for needle, value in needles.items() if value in text}
                        kept = text[-overlap:]
    except (FileNotFoundError, ProcessLookupError):
        return found, 0
    return found, looked_at
