"""Reads just enough of Swift to measure it: where strings and comments are, and where functions begin and end."""

import re

FUNCTION = re.compile(r"(?<![.\w])(func\s+[^\s(<]+|init[?!]?(?=\s*[(<])|deinit(?=\s*\{)|subscript(?=\s*[(<]))")
STRING = re.compile(r'(#*)("""|")')


def blank(text):
    """The same text with comments and the insides of strings turned to blanks; lines stay where they are."""
    out = []
    place = 0
    while place < len(text):
        if text.startswith("//", place):
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
        elif text.startswith("/*", place):
            end = comment_end(text, place)
        elif text[place] in '"#' and (match := STRING.match(text, place)):
            end = string_end(text, match)
        else:
            out.append(text[place])
            place += 1
            continue
        out.append("".join(character if character == "\n" else " " for character in text[place:end]))
        place = end
    return "".join(out)


def comment_end(text, place):
    depth = 0
    while place < len(text):
        if text.startswith("/*", place):
            depth += 1
            place += 2
        elif text.startswith("*/", place):
            depth -= 1
            place += 2
            if depth == 0:
                return place
        else:
            place += 1
    return place


def string_end(text, match):
    """The end of a string literal, with the interpolations in it."""
    pounds, quote = match.group(1), match.group(2)
    place = match.end()
    close, escape = quote + pounds, "\\" + pounds
    while place < len(text):
        if text.startswith(close, place):
            return place + len(close)
        if text.startswith(escape + "(", place):
            place = interpolation_end(text, place + len(escape) + 1)
        elif text.startswith(escape, place):
            place += len(escape) + 1
        elif text[place] == "\n" and quote == '"':
            return place
        else:
            place += 1
    return place


def interpolation_end(text, place):
    depth = 1
    while place < len(text) and depth:
        if text[place] in '"#' and (match := STRING.match(text, place)):
            place = string_end(text, match)
            continue
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return place


def functions(text):
    """Name, line and length in lines of each function with a body, its signature included."""
    code = blank(text)
    found = []
    for match in FUNCTION.finditer(code):
        body = body_start(code, match.end())
        if body is None:
            continue
        first = code.count("\n", 0, match.start()) + 1
        last = code.count("\n", 0, matching(code, body)) + 1
        found.append((match.group(1).split()[-1], first, last - first + 1))
    return found


def body_start(code, place):
    """Where the body's brace is; None for a requirement of a protocol, or a call."""
    depth = 0
    seen_parameters = False
    while place < len(code):
        character = code[place]
        if character in "([":
            depth += 1
            seen_parameters = True
        elif character in ")]":
            depth -= 1
            if depth < 0:
                return None
        elif character == "{" and depth == 0:
            return place
        elif character == "\n" and depth == 0 and seen_parameters:
            rest = code[place:].lstrip()
            if not re.match(r"(\{|async\b|throws\b|rethrows\b|->|where\b)", rest):
                return None
        elif character == "}" and depth == 0:
            return None
        place += 1
    return None


def matching(code, brace):
    depth = 0
    for place in range(brace, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0:
            return place
    return len(code) - 1


def lines_with(text, needles):
    """The numbers, from zero, of the lines whose code holds one of the needles."""
    return [
        number for number, line in enumerate(blank(text).splitlines()) if any(needle in line for needle in needles)
    ]
