"""What is left of a directory after a power loss: the journal and the shadow that power_loss.so wrote, put together.

A name is there if a sync of its directory came after it was made; of the operations after the last sync, a random
number is kept, from the first on. A file has the bytes of its last sync; of the pages of 4 KiB that were written after
it, some are kept, holes of zeros between them included.
"""

import os
import random
import shutil

PAGE = 4096


class Shadow:
    """Watches a directory: prepare it, run a program with `environment()`, kill the program, then call `lose`."""

    def __init__(self, library, root, shadow):
        self.library, self.root, self.shadow = library, root, shadow

    def environment(self, no_sync=None, fail_sync=None):
        values = {"LD_PRELOAD": self.library, "POWER_LOSS_ROOT": self.root, "POWER_LOSS_SHADOW": self.shadow}
        if no_sync:
            values["POWER_LOSS_NO_SYNC"] = no_sync
        if fail_sync:
            values["POWER_LOSS_FAIL_SYNC"] = fail_sync
        return values

    def fail_next_sync(self, thread=""):
        """The next sync of a file that was named for it fails, once: the next of a thread whose name begins so."""
        with open(os.path.join(self.shadow, "failing"), "w") as file:
            file.write(thread)
        os.rename(os.path.join(self.shadow, "failing"), os.path.join(self.shadow, "fail"))

    def has_failed(self):
        """Whether that sync has come."""
        return not os.path.exists(os.path.join(self.shadow, "fail"))

    def prepare(self):
        """Everything that is there now counts as durable."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        for folder in ("content", "removed"):
            os.makedirs(os.path.join(self.shadow, folder))
        self.names, self.top = {}, os.stat(self.root).st_ino
        for folder, folders, files in os.walk(self.root):
            entries = self.names.setdefault(os.stat(folder).st_ino, {})
            for name in folders + files:
                path = os.path.join(folder, name)
                entries[name] = os.lstat(path).st_ino
            for name in files:
                path = os.path.join(folder, name)
                shutil.copyfile(path, self._content(os.lstat(path).st_ino))

    def lose(self, seed):
        """Replaces the directory by what the disk holds; returns a line for people."""
        rebuilt = self.root + ".rebuilt"
        shutil.rmtree(rebuilt, ignore_errors=True)
        line = self.rebuild(seed, rebuilt)
        shutil.rmtree(self.root)
        os.rename(rebuilt, self.root)
        return line

    def rebuild(self, seed, target):
        """Makes what the disk may hold as a new directory, and leaves the watched one alone."""
        chance = random.Random(seed)
        names, lost_names = self._durable_names(chance)
        pages_kept = chance.choice([0, 0.1, 0.5, 0.9, 1])
        self.pages, self.kept = 0, 0
        self._rebuild(self.top, target, names, self._current_files(), chance, pages_kept)
        return "names lost %d, unsynced pages %d, of them kept %d" % (lost_names, self.pages, self.kept)

    def _content(self, inode):
        return os.path.join(self.shadow, "content", str(inode))

    def _journal(self):
        path = os.path.join(self.shadow, "journal")
        if not os.path.exists(path):
            return
        with open(path, "rb") as file:
            for line in file.read().decode(errors="surrogateescape").split("\n")[:-1]:
                kind, rest = line[0], line[2:]
                if kind == "s":
                    yield kind, int(rest), None, None, None
                elif kind == "-":
                    folder, name = rest.split(" ", 1)
                    yield kind, int(folder), None, name, None
                elif kind == "r":
                    target, source = rest.split("/", 1)
                    folder, inode, name = target.split(" ", 2)
                    old_folder, old_name = source.split(" ", 1)
                    yield kind, int(folder), int(inode), name, (int(old_folder), old_name)
                else:
                    folder, inode, name = rest.split(" ", 2)
                    yield kind, int(folder), int(inode), name, None

    def _durable_names(self, chance):
        operations = list(self._journal())
        folders = {folder for _, folder, _, _, _ in operations}
        limits, lost = {}, 0
        for folder in folders:
            mine = [i for i, operation in enumerate(operations) if operation[1] == folder]
            synced = max([i for i in mine if operations[i][0] == "s"], default=-1)
            after = [i for i in mine if i > synced]
            keep = chance.choice([0, len(after), chance.randint(0, len(after))])
            limits[folder] = after[keep - 1] if keep else synced
            lost += len(after) - keep
        names = {folder: dict(entries) for folder, entries in self.names.items()}
        self.folders = set(self.names)
        for i, (kind, folder, inode, name, source) in enumerate(operations):
            if kind == "d":
                self.folders.add(inode)
            if i > limits[folder] or kind == "s":
                continue
            entries = names.setdefault(folder, {})
            if kind == "-":
                entries.pop(name, None)
                continue
            entries[name] = inode
            if kind == "r":
                old = names.get(source[0], {})
                if old.get(source[1]) == inode:
                    del old[source[1]]
        return names, lost

    def _current_files(self):
        """Where each inode's bytes are, as the page cache has them."""
        found = {}
        for top in (self.root, os.path.join(self.shadow, "removed")):
            for folder, _, files in os.walk(top):
                for name in files:
                    path = os.path.join(folder, name)
                    found[os.lstat(path).st_ino] = path
        return found

    def _rebuild(self, inode, path, names, current, chance, pages_kept):
        os.mkdir(path)
        for name, child in names.get(inode, {}).items():
            below = os.path.join(path, name)
            if child in self.folders:
                self._rebuild(child, below, names, current, chance, pages_kept)
            else:
                self._write(child, below, current, chance, pages_kept)
                if child in current:
                    os.chmod(below, os.stat(current[child]).st_mode & 0o7777)

    def _write(self, inode, path, current, chance, pages_kept):
        durable = _read(self._content(inode))
        cached = _read(current[inode]) if inode in current else durable
        result, top = bytearray(durable), len(durable)
        for at in range(0, len(cached), PAGE):
            page = cached[at:at + PAGE]
            if page == durable[at:at + PAGE]:
                continue
            self.pages += 1
            if chance.random() >= pages_kept:
                continue
            self.kept += 1
            if len(result) < at:
                result.extend(bytes(at - len(result)))
            result[at:at + len(page)] = page
            top = max(top, at + len(page))
        if len(cached) > top:
            # The file may have grown without its bytes: zeros.
            result.extend(bytes(chance.choice([0, len(cached) - top, chance.randint(0, len(cached) - top)])))
        elif len(cached) < len(durable) and chance.random() < 0.5:
            # It was cut, and that may have reached the disk.
            del result[len(cached):]
        with open(path, "wb") as file:
            file.write(result)


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
