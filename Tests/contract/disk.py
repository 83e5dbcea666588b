"""A full disk and one that can't be written; needs root for a small file system."""

import contextlib
import os
import subprocess
import time

from commands import ends


@contextlib.contextmanager
def small_disk(world, size):
    """A file system of its own in memory; None where that is not allowed."""
    path = world.path("disk")
    os.makedirs(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "none", path], capture_output=True, text=True)
    if done.returncode != 0:
        print("  skipped: no small file system can be mounted here: %s" % done.stderr.strip())
        yield None
        return
    try:
        yield path
    finally:
        for _ in range(50):
            if subprocess.run(["umount", path], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "-l", path], capture_output=True)


def full(r, world):
    """a full disk"""
    with small_disk(world, "192m") as path:
        if path is None:
            return
        options = ["--disk-reserve-bytes", "64MiB", "--memtable-bytes", "8MiB"]
        with world.serve(*options, data=path + "/data") as s:
            s.log = world.path("full") + ".log"
            before = s.vote("f", "before")
            r.answer("with room", before, 200)
            s.applied(before["Spillway-Position"], ["f"])
            with open(path + "/filler", "wb") as filler:
                space = os.statvfs(path)
                filler.write(b"x" * (space.f_bavail * space.f_frsize - (40 << 20)))
            r.answer("without room", until(lambda: s.vote("f", "u"), 503), 503, kind="storage-full")
            r.answer("a batch without room", s.ask("POST", "/v1/votes/batch", "u", {"votes": [
                {"target_id": "f", "target_type": "video", "action": "like"}]}), 503, kind="storage-full")
            r.equal("reads go on", s.summary(["f"], "before").json()["items"]["f"], {"likes": 1, "dislikes": 0, "user_state": "like"})
            r.equal("nothing was recorded", s.summary(["f"], "u").json()["items"]["f"]["user_state"], "none")
            with open(path + "/more", "wb") as filler:
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(b"x" * (1 << 20))
                        filler.flush()
            r.answer("without a single byte", s.vote("f", "u"), 503, kind="storage-full")
            r.check("the server is up", s.is_up())
            os.remove(path + "/more")
            os.remove(path + "/filler")
            r.answer("with room again", until(lambda: s.vote("f", "after"), 200), 200)
            r.equal("SIGTERM", s.stop(), 0)
        ends(r, "audit", world.run("audit", "--data", path + "/data"), 0, "reactions=2 drift=0")


def until(ask, status, seconds=10):
    """The first answer with that status, or the last one."""
    deadline = time.monotonic() + seconds
    answer = ask()
    while answer.status != status and time.monotonic() < deadline:
        time.sleep(0.02)
        answer = ask()
    return answer


def read_only(r, world):
    """a directory that can't be written"""
    with small_disk(world, "64m") as path:
        if path is None:
            return
        os.makedirs(path + "/empty")
        with world.serve("--disk-reserve-bytes", "1MiB", "--memtable-bytes", "4MiB", data=path + "/data") as s:
            s.log = world.path("read-only") + ".log"
            s.vote("a", "u")
            r.equal("SIGTERM", s.stop(), 0)
        if subprocess.run(["mount", "-o", "remount,ro", path], capture_output=True).returncode != 0:
            print("  skipped: the file system can't be made read-only here")
            return
        for name in ["data", "empty", "new"]:
            ends(r, "serve in %s, read-only" % name, world.run("serve", "--data", path + "/" + name, "--port", "0"), 78)
        ends(r, "token in a new one, read-only", world.run("token", "--data", path + "/new", "--user", "a"), 78)
        ends(r, "token in one that has a key", world.run("token", "--data", path + "/data", "--user", "a"), 0)
