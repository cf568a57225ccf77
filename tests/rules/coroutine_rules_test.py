#!/usr/bin/env python3
"""A rule that catches nothing is no rule: what coroutine_rules.py complains about, line by line, and what it lets pass.

usage: coroutine_rules_test.py
"""
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import coroutine_rules  # noqa: E402

OWNS = '1: a lambda that owns "copy" in one statement with co_await'
BRACED = "1: a braced temporary in one statement with co_await"
BINDING = "1: a structured binding of co_await"
LAMBDA = "1: a coroutine that is a lambda with captures"


def by_value(parameter, line=1):
    return f'{line}: a coroutine takes "{parameter}" by value'


# (name, code, how each complaint begins behind "FILE:"; None if there is none)
CASES = [
    ("capture by copy", "co_await run(\n    [copy](int) { return copy; });", OWNS.replace("1", "2")),
    ("capture with a value", "co_await run([&fine, owned = std::move(s)] { });", '1: a lambda that owns "owned=std::move(s)"'),
    ("capture of everything", "co_await run([=](int) mutable { });", '1: a lambda that owns "="'),
    ("capture of *this", "co_await run([*this] { });", '1: a lambda that owns "*this"'),
    ("capture of a pack", "co_await run([args...] { });", '1: a lambda that owns "args..."'),
    ("second capture", "co_await run([&x = pair<int, int>::zero, copy] { });", OWNS),
    *[(f"specifier {word}", f"co_await run([copy]() {word} {{ }});", OWNS) for word in ("constexpr", "consteval", "static", "mutable")],
    ("references and this", "co_await run([&out, this](int n) { out = list[n]; });", None),
    ("all references", "co_await run([&] { }, [&...all] { }, [&a = b] { }, [] { });", None),
    ("generic lambda", "co_await run([copy]<class T>(T) { });", OWNS),
    ("generic lambda of two", "co_await run([copy]<class T, class U = list<T>>(T, U) { });", OWNS),
    ("constrained lambda", "co_await run([copy]<class T> requires Small<T> (T) { });", OWNS),
    ("noexcept without parameters", "co_await run([copy] noexcept { });", OWNS),
    ("noexcept of a condition", "co_await run([copy]() noexcept(true) { });", OWNS),
    ("mutable without parameters", "co_await run([copy] mutable { });", OWNS),
    ("body at once", "co_await run([copy]{ });", OWNS),
    ("return type", "co_await run([copy](int) -> int { });", OWNS),
    ("return type with a list", "co_await run([copy](int) -> std::pair<int, int> { });", OWNS),
    ("attribute of a lambda", "co_await run([copy] [[nodiscard]] (int) { });", OWNS),
    ("lambda inside a function object", "co_await call(std::function<int()>([copy]{ return 1; }));", OWNS),
    ("lambda before co_await", "run([copy] { return 1; }, co_await more());", OWNS),
    ("lambda behind an operator", "co_await (a || [copy] { });", OWNS),
    ("lambda called at once", "auto n = [copy] { return 1; }() + co_await more();", OWNS),
    *[(f"lambda behind {word}", f"{word} [copy] {{ }}(co_await more());", OWNS)
      for word in ("return", "throw", "else", "do", "and", "or", "not", "co_return", "co_yield", "co_await", "[[likely]]")],
    ("lambda inside a lambda's capture", "co_await run([&f = keep([copy] { })] { });", OWNS),
    ("lambda in a condition", "if (co_await run([copy] { })) {\n}", OWNS),
    ("lambda in a condition without braces", "if (a) while (co_await run([copy] { })) run();", OWNS),
    ("lambda behind a body", "if (a) { }\n[copy] { }(co_await more());", OWNS.replace("1", "2")),
    ("lambda behind a macro's block", "FOREVER { run(); }\n[copy] { }(co_await more());", OWNS.replace("1", "2")),
    ("co_await of a lambda's body is its own", "spawn([]() -> awaitable<void> { co_await more(); }, [copy] { });", None),
    ("inside a lambda's body", "auto f = [&] {\n  co_await_not();\n  run([]() -> awaitable<void> { co_await run([copy] { }); });\n};",
     OWNS.replace("1", "3")),
    ("named before", "auto owner = [copy](int) {};\nco_await run(owner, list[1]);", None),
    ("indexing", "co_await run(list[1], f(x)[i], table[a][b], this[0], \"text\"[n])[n](x);", None),
    ("attributes", "[[nodiscard]] int f() { [[likely]] co_await run(); if (a) [[unlikely]] { run({1}); } }\n"
     "if (a) { b(); } else [[likely]] { run({1}); }\nco_await run();", None),
    ("semicolon in a string", 'co_await run("x;", [copy]{ });', OWNS),
    ("semicolon in a string before", 'run("x;", [copy]{ }, co_await more());', OWNS),
    ("semicolon in a character", "run(';', '\\'', [copy]{ }, co_await more());", OWNS),
    ("semicolon in a raw string", 'run(R"-(";)" [a] {)-", [copy]{ }, co_await more());', OWNS),
    ("semicolon in a comment", "run(/* ; */ [copy]{ }, // ;\n co_await more());", OWNS),
    ("separated digits", "run(1'000, [copy]{ }, co_await more(1'0));", OWNS),
    ("only comments and strings", '// co_await run({1});\n/* co_await f([copy]{}); */ run("co_await", {1}, R"(co_await)");', None),
    ("only a directive", "#define co_await_one(x) \\\n  co_await run({x})\nint x;", None),
    ("comment across lines keeps the count", "/*\n\n*/ co_await run([copy]{ });", OWNS.replace("1", "3")),
    ("raw string keeps the count", 'auto s = R"(\n)";\nco_await run([copy]{ });', OWNS.replace("1", "3")),

    ("braced temporary", "co_await write(Reply{250, text});", BRACED),
    ("braced temporary of a template", "co_await write(std::pair<int, int>{250, 1});", BRACED),
    ("braced argument", "co_await write({250, text});", BRACED),
    ("second braced argument", "co_await write(a, {250, text});", BRACED),
    ("braced temporary before", "combine(Reply{250, text}, co_await read());", BRACED),
    ("braced argument before", "combine({250, text}, co_await read());", BRACED),
    ("empty braces", "co_await write(Reply{});", BRACED),
    ("braced list with co_await in it", "Reply reply{co_await code(), text};", BRACED),
    ("array's initial values", "int list[n]{co_await more(), 2};", BRACED),
    ("braces behind a lambda", "co_await run([&](int n) { return n; }, Reply{1});", BRACED),
    ("braces in a condition", "while (co_await more(Reply{1})) {\n}", BRACED),
    ("braces in a loop's end", "do {\n  run({1});\n} while (co_await more({1}));", BRACED.replace("1", "3", 1)),
    ("braces in a ternary", "auto n = a ? Reply{1} : co_await read();", BRACED),
    ("braces inside a macro's block", "CHECK_NOTHROW({ run(); co_await write({1}); });", BRACED),
    ("macro's block", "CHECK_NOTHROW({ auto r = Reply{1}; co_await write(r); });", None),
    ("body of a condition", "if (co_await more()) {\n  run({1});\n}", None),
    ("empty body of a condition", "if (co_await more()) { }\nrun({1});", None),
    ("statement of a condition", "if (co_await more()) run({1}); else run(Reply{2});", None),
    ("initialiser of a condition", "if (auto r = Reply{1}; co_await write(r)) {\n}", None),
    ("if constexpr", "if constexpr (a) {\n  run({1});\n} else {\n  co_await more();\n}", None),
    ("range", "for (auto& x : co_await list()) {\n  run({x});\n}", None),
    ("range of braces beside co_await", "for (auto& x : {co_await more(), 1}) {\n}", BRACED),
    ("loop's parts", "for (auto r = Reply{1}; i < n && co_await more(); i = j > n ? Step{1} : s) {\n}", None),
    ("bodies of try, do, else, switch", "try { co_await a(); } catch (const E& e) { b({1}); }\ndo { co_await a(); } while (b({1}));\n"
     "if (x) { co_await a(); } else { b({1}); }\nswitch (co_await a()) { case 1: { b({1}); } default: co_await a(); }", None),
    *[(f"empty body of {head}", f"{head} {{ }}\nco_await run();", None)
      for head in ("catch (...)", "else", "do", "try", "case 1:", "else [[likely]]", "if (a)")],
    ("switch", "switch (auto r = Reply{1}; co_await write(r)) {\n}", None),
    *[(f"body of nothing but {word}", f"auto f() -> Task {{ {word} (co_await more()) {{ run({{1}}); }} }}", None)
      for word in ("if", "for", "while", "switch")],
    ("other statements", "auto r = Reply{1};\nco_await write(r);\nauto q = Reply{2};", None),
    ("functions, classes, namespaces", "namespace a { struct B : C<D> {\n  B() : x_{1}, y_{2} { }\n  int n{1};\n"
     "  auto f() const noexcept -> awaitable<void> { while (co_await more()) { run({1}); } }\n"
     "  awaitable<void> g() override { co_await more(); }\n};\nenum class E { e };\nE k{E::e};\n"
     "awaitable<int> h() { co_return 1; } }", None),
    ("constrained function", "template <class T> auto f(T& t) requires Small<T> {\n  run({1});\n  co_await more();\n}", None),
    ("branches that open a bracket twice", "#if A\nif (a) {\n#else\nif (b) {\n#endif\nco_await write({1}); }\n",
     BRACED.replace("1", "6", 1)),

    ("lambda with captures", "spawn([self](int n) -> asio::awaitable<void> { });", LAMBDA),
    ("takes a function type", "spawn([self](std::function<void()> f) -> asio::awaitable<void> { });", LAMBDA),
    ("with specifiers", "spawn([self]() mutable noexcept -> asio::awaitable<void> { });", LAMBDA),
    ("captures by reference", "spawn([&self]() -> asio::awaitable<void> { });", LAMBDA),
    ("captures this", "spawn([this]() -> boost::asio::awaitable<std::pair<int, int>> { });", LAMBDA),
    ("other return type, co_await", "spawn([self]() -> Task { co_await more(); });", LAMBDA),
    ("other return type, co_return", "spawn([self] { if (a) { co_return; } });", LAMBDA),
    ("other return type, co_yield", "auto f = [self]() -> Generator {\n  for (;;) co_yield 1;\n};", LAMBDA),
    ("in a macro's block", "spawn([self] { FOREVER { co_return; } });", LAMBDA),
    ("in a macro's argument", "spawn([self] { CHECK_NOTHROW({ co_await more(); }); });", LAMBDA),
    ("generic", "spawn([self]<class T>(T) -> asio::awaitable<void> { });", LAMBDA),
    ("inside a lambda without captures", "spawn([] {\n  run([self] { co_await more(); });\n});", LAMBDA.replace("1", "2")),
    ("around a coroutine without captures", "run([self] { spawn([](int n) -> asio::awaitable<void> { co_await more(); }); });", None),
    ("without captures", "spawn([](Owner owner) -> asio::awaitable<void> { });", None),
    ("takes an awaitable", "run([self](asio::awaitable<void> a) { });", None),

    ("parameters that live on", "asio::awaitable<void> run(std::shared_ptr<Session> self, int n, const Reply& r) {\n}", None),
    ("more of them", "awaitable<void> run(const std::string text, std::string_view, unsigned long size2, std::uint8_t, Reply* p,"
     " std::chrono::seconds, std::unique_ptr<std::pair<int, Reply>> r, bool b = {}, [[maybe_unused]] int n = f(1, 2), char b[3]);", None),
    ("pointer to a function", "awaitable<void> run(void (*f)(Reply));", None),
    ("aggregate", "asio::awaitable<int> Session::run(std::string text,\n    Reply reply);", by_value("Reply reply", 2)),
    ("aggregate without a name", "asio::awaitable<int> run(Reply);", by_value("Reply")),
    ("aggregate of a constant", "asio::awaitable<int> run(const Reply reply);", by_value("const Reply reply")),
    ("aggregate with a default", "asio::awaitable<int> run(int n = f(1, 2), Reply r = Reply{1, {2}}) {\n}", by_value("Reply r")),
    ("behind a template with commas", "awaitable<void> run(const std::map<int, std::string>& m, Reply r);", by_value("Reply r")),
    ("template with commas", "awaitable<void> run(std::map<int, Reply*> m);", by_value("std::map<int, Reply*> m")),
    ("function object", "awaitable<void> run(std::function<int(Reply&)> f);", by_value("std::function<int(Reply&)> f")),
    ("behind a shift", "awaitable<void> run(int n = 1 << 3, Reply r = {});", by_value("Reply r")),
    ("trailing return type", "auto run(Reply r) -> asio::awaitable<void>;", by_value("Reply r")),
    ("trailing return type, defined", "auto Session::run(int, Reply r) const noexcept(true) -> asio::awaitable<void> {\n}",
     by_value("Reply r")),
    ("trailing return type, fine", "auto run(std::string r) -> asio::awaitable<void> {\n  co_await more();\n}", None),
    ("returns a template with commas", "awaitable<std::pair<int, int>> run(Reply r);", by_value("Reply r")),
    ("member of a class", "class A {\n  [[nodiscard]] virtual asio::awaitable<void> run(Reply r) const = 0;\n};", by_value("Reply r", 2)),
    *[(f"alone in a {scope}", f"{scope} a {{ awaitable<void> run(Reply r) {{ }} }}", by_value("Reply r"))
      for scope in ("namespace", "class", "struct", "union")],
    ("call operator", "struct A { awaitable<void> operator()(Reply r); };", by_value("Reply r")),
    ("call operator, trailing", "struct A { auto operator()(Reply r) -> awaitable<void>; };", by_value("Reply r")),
    ("function template", "template <class T>\nasio::awaitable<void> Session<T>::run(T value);", by_value("T value", 2)),
    ("no coroutine", "void run(Reply r, asio::awaitable<void> a);\nstd::vector<asio::awaitable<void>> all(Reply r);", None),
    ("variables", "asio::awaitable<void> a(run(x)), b = run(y);\nawaitable<void> c = list<int>(y), d = y > z(x);\n"
     "return awaitable<void>(x);", None),

    ("binding", "auto [error, size] = co_await read(socket);", BINDING),
    ("binding of a reference", "const auto&& [error, size] = co_await read(socket);", BINDING),
    ("binding in parentheses", "auto [error, size](co_await read(socket));", BINDING),
    ("binding in braces", "auto& [error, size]{co_await read(socket)};", f"{BRACED}\n{BINDING}"),
    ("binding in a condition", "if (auto [error, size] = co_await read(socket); error) {\n}", BINDING),
    ("binding of something else", "auto [error, size] = read(socket);\nco_await more();", None),
    ("binding of elements", "for (auto& [key, value] : co_await map()) {\n  co_await write(key);\n}", None),
    ("binding of what a lambda returns", "auto [a, b] = run([]() -> awaitable<void> { co_await more(); });", None),
]


def faults_of_program():
    """Which files are looked at, and what is printed."""
    wrong = "void f() {\n  co_await write({1});\n}\n"
    program = pathlib.Path(__file__).with_name("coroutine_rules.py")
    with tempfile.TemporaryDirectory() as folder:
        for name, code in {"server/net/a.cpp": wrong, "server/b.hpp": wrong, "tests/server/c.cpp": wrong, "server/fine.cpp": "int x;\n",
                           "mime/d.cpp": wrong, "server/README.md": wrong}.items():
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
        run = subprocess.run([sys.executable, program, folder], capture_output=True, text=True, timeout=60)
        expected = [f"{name}:2: a braced temporary in one statement with co_await; name it before"
                    for name in ("server/b.hpp", "server/net/a.cpp", "tests/server/c.cpp")]
        if run.returncode != 1 or run.stdout.splitlines() != expected:
            yield f"program: exit code {run.returncode}, {run.stdout}{run.stderr}"
        for name in ("server/b.hpp", "server/net/a.cpp", "tests/server/c.cpp"):
            (pathlib.Path(folder) / name).unlink()
        run = subprocess.run([sys.executable, program, folder], capture_output=True, text=True, timeout=60)
        if (run.returncode, run.stdout, run.stderr) != (0, "", ""):
            yield f"program on a tree without faults: exit code {run.returncode}, {run.stdout}{run.stderr}"


def main():
    faults = list(faults_of_program())
    for name, code, expected in CASES:
        found = [f"{line}: {what}" for line, what in coroutine_rules.complaints(code)]
        wanted = (expected or "").splitlines()
        if len(found) != len(wanted) or not all(map(str.startswith, found, wanted)):
            faults.append(f"{name}: expected {wanted}, got {found}")
    if len({name for name, _, _ in CASES}) != len(CASES):
        faults.append("two cases have one name")
    print(*faults, sep="\n", end="\n" if faults else "")
    if faults:
        sys.exit(f"{len(faults)} faults")
    print(f"coroutine rules: {len(CASES)} cases")


if __name__ == "__main__":
    main()
