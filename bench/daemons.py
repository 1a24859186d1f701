# SPDX-License-Identifier: Apache-2.0
"""For rivals that are daemons: their configuration with this run's paths, and when they are done."""

import places


class Lines:
    """A condition: the file has so many lines. Only what is new is read."""

    def __init__(self, path, count):
        self.path, self.count, self.seen, self.offset = path, count, 0, 0

    def __call__(self):
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                while block := file.read(1 << 20):
                    self.offset += len(block)
                    self.seen += block.count(b"\n")
        return self.seen >= self.count


def fill(name, folder, **words):
    """bench/rivals/NAME with values in the place of its words in capitals; gives the new file."""
    text = (places.RIVALS / name).read_text()
    for word, value in words.items():
        text = text.replace(f'"{word}"', f'"{value}"').replace(f"({word})", f"({value})")
    path = folder / name.replace("/", "-")
    path.write_text(text)
    return path


def fresh(path):
    path.unlink(missing_ok=True)
    return path
