#!/usr/bin/env python3
"""Rules of coroutines that the compiler does not check, for every .cpp and .hpp below server/ and tests/server/.

usage: coroutine_rules.py FOLDER      prints FILE:LINE: what is wrong; what to do instead. Exit code 1 if anything is

What GCC 12 miscompiles beside co_await (GCC PR 99576: destroyed twice, or used after that) has a name in a statement before: a
lambda that owns a capture, a braced temporary. A coroutine that is a lambda captures nothing (its captures die before it does); a
coroutine takes by value what has a constructor of its own, or is a scalar: aggregates are destroyed twice. `auto [a, b] = co_await`
is not written (GCC PR 124584: a destructor is left out). A tree without coroutines needs this too: for its first one.
Macro definitions are not looked into; the call of a macro is read as that of a function.
"""
import dataclasses
import itertools
import pathlib
import re
import sys

TOKEN = re.compile(r"""
    (?P<blank> \s+ | //(?:\\\n|[^\n])* | /\*.*?\*/ | \#(?:\\\n|[^\n])* )
  | (?P<literal> (?:u8|[uUL])? (?: R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ) )
  | \.?\d(?:'?\w|\.)* | [A-Za-z_]\w* | :: | -> | . """, re.DOTALL | re.VERBOSE)
LITERAL = '""'
BODY = "{...}"
BRACKETS = {"(": ("(", ")"), "[": ("[", "]"), "{": ("{", "}"), BODY: ("", BODY)}
OPENING = {")": "(", "]": "[", "}": "{"}

COROUTINE = {"co_await", "co_return", "co_yield"}
BEFORE_LAMBDA = COROUTINE | {"return", "throw", "else", "do", "and", "or", "not"}
LAMBDA_SPECIFIERS = {"(", "[", "mutable", "noexcept", "constexpr", "consteval", "static"}
CONTROL = {"if", "for", "while", "switch"}
ONLY_IN_BLOCK = CONTROL | {";"}
SCOPES = {"namespace", "class", "struct", "union"}
BEFORE_BODY = {"(", ":", "else", "do", "try"}

RETURNS_AWAITABLE = re.compile(r"(?<![<,=\w:])(?:\w*::)*awaitable<[^=]*> (?:[\w:~<>, ]+|operator\W*)$")
NAMED = re.compile(r"(?:\w|>|\boperator\(\))(?<!\bnoexcept)$")
TRAILING_AWAITABLE = re.compile(r"(?:const|noexcept|override|final|[& ]|\(.*?\)|\[\[.*?\]\])*-> (?:\w*::)*awaitable<")
BUILTIN = r"(?:bool|char|short|int|long|signed|unsigned|float|double)"
SAFE_BY_VALUE = re.compile(
    rf"void|(?:{BUILTIN}(?: {BUILTIN})*|(?:::)?(?:std::)?(?:(?:shared|unique|weak)_ptr<.*>|string|string_view|size_t|"
    r"u?int(?:8|16|32|64)_t|(?:chrono::)?(?:hours|minutes|(?:milli|micro|nano)?seconds)))(?: \w+)?")


@dataclasses.dataclass
class Item:
    """A token; an opening bracket with what it encloses; or a BODY: `inside` is what introduces it, `block` what it encloses."""
    text: str
    line: int
    inside: list = dataclasses.field(default_factory=list)
    block: list = dataclasses.field(default_factory=list)


def read(code):
    """The items of C++ text, without comments, directives and what literals say. Tolerates brackets that #if leaves open."""
    stack, line = [Item("", 1)], 1
    for match in TOKEN.finditer(code):
        text = LITERAL if match["literal"] else match[0]
        if text in OPENING:
            del stack[next((d for d in range(len(stack) - 1, 0, -1) if stack[d].text == OPENING[text]), len(stack)):]
        elif not match["blank"]:
            stack[-1].inside.append(Item(text, line))
            if text in BRACKETS:
                stack.append(stack[-1].inside[-1])
        line += match[0].count("\n")
    return stack[0].inside


def flat(items):
    for item in items:
        yield item
        yield from flat(item.inside)


def render(items):
    brackets = [(BRACKETS.get(item.text, (item.text, "")), item.inside) for item in items]
    parts = [opening + render(inside) + closing for (opening, closing), inside in brackets]
    return re.sub(r"(?<=[\w>,])\0(?=\w)", " ", "\0".join(parts)).replace("\0", "")


def text_at(items, at):
    return items[at].text if 0 <= at < len(items) else ""


def behind_angles(items, at):
    """Index behind the template list that the `<` at this index opens; behind the `<` if it compares."""
    depth = 0
    for i in range(at, len(items)):
        depth += {"<": 1, ">": -1}.get(items[i].text, 0)
        if depth == 0 or items[i].text == ";":
            break
    return i + 1 if depth == 0 else at + 1


def split(items, separator):
    """The parts between separators, which do not count in template lists."""
    cuts, i = [-1], 0
    while i < len(items):
        if items[i].text == separator:
            cuts.append(i)
        i = behind_angles(items, i) if items[i].text == "<" else i + 1
    return [items[start + 1:end] for start, end in itertools.pairwise([*cuts, len(items)]) if end > start + 1]


def is_attribute(item):
    return item.text == "[" and text_at(item.inside, 0) == "["


def is_binding(items, at):
    """Whether the item is the [a, b] of auto [a, b], auto& [a, b], auto&& [a, b]."""
    before = at - 1
    while text_at(items, before) == "&":
        before -= 1
    return items[at].text == "[" and text_at(items, before) == "auto"


def is_index(items, at):
    if at == 0 or is_attribute(items[at - 1]):
        return False
    before = items[at - 1].text
    return before in (*BRACKETS, LITERAL) or (re.match(r"\w", before) is not None and before not in BEFORE_LAMBDA)


def lambda_body(items, at):
    """Index of the body of the lambda whose captures are the item at this index; None if they are not captures."""
    if items[at].text != "[" or is_attribute(items[at]) or is_binding(items, at) or is_index(items, at):
        return None
    i = behind_angles(items, at + 1) if text_at(items, at + 1) == "<" else at + 1
    while text_at(items, i) in LAMBDA_SPECIFIERS:
        i += 1
    if text_at(items, i) in ("->", "requires"):
        return next((body for body in range(i, len(items)) if items[body].text == "{"), None)
    return i if text_at(items, i) == "{" else None


def is_block(item):
    return item.text == "{" and any(i.text in ONLY_IN_BLOCK for i in item.inside)


def fold(items):
    """The items of an expression, each lambda made one BODY; so is a block that a macro takes, then with nothing inside."""
    folded, i = [], 0
    while i < len(items):
        item, body = items[i], lambda_body(items, i)
        if body is None and is_block(item):
            body = i
        folded.append(Item(item.text, item.line, fold(item.inside)) if body is None else
                      Item(BODY, item.line, fold(items[i:body]), items[body].inside))
        i = (body or i) + 1
    return folded


def is_condition(items, at):
    keyword = at - 2 if text_at(items, at - 1) == "constexpr" else at - 1
    return items[at].text == "(" and text_at(items, keyword) in CONTROL


def is_body(items, at):
    """Whether a `{` of the statement that begins at items[0] begins a body, not a braced initialisation."""
    if items[at].text != "{":
        return False
    scope = any(items[i].text in SCOPES and text_at(items, i - 1) not in ("<", ",") for i in range(at))
    return at == 0 or items[at - 1].text in BEFORE_BODY or is_attribute(items[at - 1]) or scope or is_block(items[at])


def statement_end(items):
    """Index of what ends the first statement: a semicolon, a condition (what it governs is a statement again), a body."""
    i = 0
    while i < len(items) and not (items[i].text == ";" or is_condition(items, i) or is_body(items, i)):
        i = (lambda_body(items, i) or i) + 1
    return i


def statements(block):
    """The folded statements of a block and of the blocks in it, but not of lambdas; each condition is one of its own."""
    while block:
        end = statement_end(block)
        conditions = split(block[end].inside, ";") if text_at(block, end) == "(" else []
        for statement in map(fold, [block[:end], *conditions]):
            yield statement
            for item in flat(statement):
                if item.text == BODY and not item.inside:
                    yield from statements(item.block)
        if text_at(block, end) == "{":
            yield from statements(block[end].inside)
        block = block[end + 1:]


def captures(body):
    return split(body.inside[0].inside, ",") if body.inside else []


def is_coroutine(body):
    signature = render(item for item in body.inside if item.text not in BRACKETS)
    return re.search(r"->.*\bawaitable<", signature) is not None or any(
        item.text in COROUTINE for statement in statements(body.block) for item in flat(statement))


def coroutine_parameters(statement):
    """Parameters of the functions that return awaitable<...>, without their defaults."""
    for i in (i for i in range(len(statement)) if statement[i].text == "("):
        before, behind = render(statement[:i]), render(statement[i + 1:])
        if RETURNS_AWAITABLE.search(before) or (NAMED.search(before) and TRAILING_AWAITABLE.match(behind)):
            yield from (split(parameter, "=")[0] for parameter in split(statement[i].inside, ","))


def is_unsafe_by_value(parameter):
    plain = render(item for item in parameter if item.text not in ("const", "volatile") and not is_attribute(item))
    # Outside template lists, brackets make it a pointer to a function, an array, or a variable's initial value.
    return not re.search(r"[&*(\[]", re.sub(r"<.*>", "", plain)) and not SAFE_BY_VALUE.fullmatch(plain)


def complaints_of_statement(statement):
    items = list(flat(statement))
    if any(item.text == "co_await" for item in items):
        for item in items:
            if item.text == "{":
                yield item.line, "a braced temporary in one statement with co_await; name it before"
            for capture in captures(item) if item.text == BODY else []:
                if capture[0].text != "&" and render(capture) != "this":
                    yield item.line, f'a lambda that owns "{render(capture)}" in one statement with co_await; name it before'
        for i, item in enumerate(statement):
            if is_binding(statement, i) and text_at(statement, i + 1) != ":":
                yield item.line, "a structured binding of co_await; take the tuple, then its elements"
    for parameter in filter(is_unsafe_by_value, coroutine_parameters(statement)):
        yield parameter[0].line, f'a coroutine takes "{render(parameter)}" by value; pass a shared_ptr, a string or a scalar'


def complaints_of_block(block):
    for statement in statements(block):
        yield from complaints_of_statement(statement)
        for body in (item for item in flat(statement) if item.text == BODY and item.inside):
            if captures(body) and is_coroutine(body):
                yield body.line, "a coroutine that is a lambda with captures; make it a function with parameters by value"
            yield from complaints_of_block(body.block)


def complaints(code):
    """(line, what is wrong; what to do instead) of C++ text, in order of lines, each once."""
    return sorted(set(complaints_of_block(read(code)))) if re.search(r"\bco_(await|return|yield)\b|\bawaitable\b", code) else []


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    files = sorted(file for folder in ("server", "tests/server") for file in (root / folder).rglob("*.[ch]pp"))
    if not files:
        sys.exit(f"coroutine_rules.py: no sources below {root / 'server'}")
    found = [f"{file.relative_to(root)}:{line}: {what}" for file in files
             for line, what in complaints(file.read_text("utf-8", "replace"))]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
