"""Holds the power-loss library to what it says: run by Tests/scripts/power-loss before the server is."""

import contextlib
import os
import subprocess
import sys
import tempfile
import unittest

from power_loss import PAGE, Shadow

LIBRARY = os.environ["POWER_LOSS_LIBRARY"]
HELPERS = """
import os
def write(path, data, sync=True, flags=os.O_WRONLY | os.O_CREAT | os.O_APPEND):
    file = os.open(path, flags, 0o600)
    os.write(file, data)
    if sync: os.fdatasync(file)
    os.close(file)
def sync(folder):
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(file)
    os.close(file)
"""


class PowerLossTests(unittest.TestCase):
    @contextlib.contextmanager
    def shadow(self, before=None):
        """The shadow of a directory that holds these files, and the folder that both are in."""
        with tempfile.TemporaryDirectory(prefix="cli-power-") as folder:
            root = os.path.join(folder, "root")
            os.mkdir(root)
            for name, data in (before or {}).items():
                with open(os.path.join(root, name), "wb") as file:
                    file.write(data)
            shadow = Shadow(LIBRARY, root, os.path.join(folder, "shadow"))
            shadow.prepare()
            yield shadow, folder

    @staticmethod
    def run_in(shadow, body, **options):
        subprocess.run(
            [sys.executable, "-c", HELPERS + body], cwd=shadow.root, check=True,
            env={**os.environ, **shadow.environment(**options)})

    def losses(self, shadow, folder, seeds):
        """What the directory holds after losses by different seeds: a set of sorted (path, bytes)."""
        found = set()
        for seed in range(seeds):
            target = os.path.join(folder, "target%d" % seed)
            shadow.rebuild(seed, target)
            found.add(self.contents(target))
        return found

    def outcomes(self, body, before=None, no_sync=None, seeds=60):
        with self.shadow(before) as (shadow, folder):
            self.run_in(shadow, body, no_sync=no_sync)
            return self.losses(shadow, folder, seeds)

    @staticmethod
    def contents(root):
        files = []
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    files.append((os.path.relpath(path, root), file.read()))
        return tuple(sorted(files))

    def test_what_is_synced_with_its_name_survives(self):
        self.assertEqual(self.outcomes("write('a', b'x' * 9000); sync('.')"), {(("a", b"x" * 9000),)})

    def test_a_name_that_is_not_synced_may_be_lost(self):
        self.assertEqual(self.outcomes("write('a', b'x')"), {(), (("a", b"x"),)})

    def test_what_follows_the_last_sync_may_be_lost_in_pages_with_holes(self):
        found = self.outcomes("write('a', b'x' * 5000); sync('.'); write('a', b'y' * 20000, sync=False)", seeds=150)
        self.assertGreater(len(found), 10)
        holes = 0
        for ((_, data),) in found:
            self.assertEqual(data[:5000], b"x" * 5000)
            self.assertLessEqual(len(data), 25000)
            self.assertEqual(set(data[5000:]) - {0, ord("y")}, set())
            holes += b"\0" * PAGE in data and data.endswith(b"y")
        self.assertGreater(holes, 0)

    def test_an_overwritten_page_is_the_old_or_the_new_one(self):
        body = "file = os.open('a', os.O_WRONLY); os.pwrite(file, b'n' * %d, %d)" % (PAGE, PAGE)
        found = self.outcomes(body, {"a": b"o" * 3 * PAGE})
        new = b"o" * PAGE + b"n" * PAGE + b"o" * PAGE
        self.assertEqual(found, {(("a", b"o" * 3 * PAGE),), (("a", new),)})

    def test_a_rename_happens_as_a_whole_or_not(self):
        body = "write('new', b'2'); sync('.'); os.rename('new', 'name')"
        found = self.outcomes(body, {"name": b"1"})
        self.assertEqual(found, {(("name", b"1"), ("new", b"2")), (("name", b"2"),)})
        self.assertEqual(self.outcomes(body + "; sync('.')", {"name": b"1"}), {(("name", b"2"),)})

    def test_a_removed_file_may_be_back(self):
        self.assertEqual(self.outcomes("os.unlink('a')", {"a": b"1"}), {(), (("a", b"1"),)})
        self.assertEqual(self.outcomes("os.unlink('a'); sync('.')", {"a": b"1"}), {()})

    def test_a_directory_needs_its_parent_synced(self):
        body = "os.mkdir('d'); write('d/a', b'1'); sync('d')"
        self.assertEqual(self.outcomes(body), {(), (("d/a", b"1"),)})
        self.assertEqual(self.outcomes(body + "; sync('.')"), {(("d/a", b"1"),)})

    def test_a_renamed_directory_keeps_what_was_synced_in_it(self):
        body = "os.mkdir('d'); write('d/a', b'1'); sync('d'); sync('.'); os.rename('d', 'e'); sync('.'); write('e/b', b'2')"
        self.assertEqual(self.outcomes(body), {(("e/a", b"1"),), (("e/a", b"1"), ("e/b", b"2"))})

    def test_a_truncation_that_is_not_synced_may_not_have_happened(self):
        self.assertEqual(self.outcomes("os.truncate('a', 1)", {"a": b"123"}), {(("a", b"1"),), (("a", b"123"),)})

    def test_a_write_during_a_sync_is_in_the_next_one(self):
        body = """
import threading
over, file = threading.Event(), os.open('a', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def keep_syncing():
    while not over.is_set(): os.fdatasync(file)
syncing = [threading.Thread(target=keep_syncing) for _ in range(4)]
for thread in syncing: thread.start()
for _ in range(200): os.write(file, b'x' * 100000)
over.set()
for thread in syncing: thread.join()
os.fdatasync(file)
sync('.')
"""
        # Not assertEqual, which would print them.
        self.assertTrue(self.outcomes(body, seeds=5) == {(("a", b"x" * 20000000),)})

    def test_a_planted_bug_loses_what_was_synced(self):
        body = "write('a.log', b'1'); write('b', b'1'); sync('.')"
        found = self.outcomes(body, no_sync=".log")
        self.assertIn((("a.log", b""), ("b", b"1")), found)

    def test_a_failed_sync_loses_what_it_should_have_kept_and_the_next_succeeds(self):
        body = """
write('other', b'1')
write('a.log', b'1', sync=False)
file = os.open('a.log', os.O_WRONLY | os.O_APPEND)
try: os.fdatasync(file)
except OSError as problem: assert problem.errno == 5, problem
else: raise AssertionError('the sync did not fail')
os.write(file, b'2')
os.fdatasync(file)
sync('.')
"""
        with self.shadow() as (shadow, folder):
            shadow.fail_next_sync()
            self.run_in(shadow, body, fail_sync=".log")
            self.assertTrue(shadow.has_failed())
            # The page may have reached the disk all the same.
            self.assertEqual(
                self.losses(shadow, folder, 40),
                {(("a.log", b"\x002"), ("other", b"1")), (("a.log", b"12"), ("other", b"1"))})

    def test_a_sync_that_is_to_fail_on_one_thread_succeeds_on_others(self):
        with self.shadow() as (shadow, _):
            shadow.fail_next_sync("another")
            self.run_in(shadow, "write('a.log', b'1'); sync('.')", fail_sync=".log")
            self.assertFalse(shadow.has_failed())

    def test_streams_are_refused_since_they_are_not_seen(self):
        with self.shadow() as (shadow, _):
            body = "import ctypes; ctypes.CDLL(None).fopen(b'%s/a', b'w')" % shadow.root
            done = subprocess.run([sys.executable, "-c", body], env={**os.environ, **shadow.environment()},
                                  capture_output=True)
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
