"""Reading pickles of data, without running anything that they refer to.

A pickle is a program for a stack machine, and the standard machine imports and calls whatever the
program names. This one implements the same instructions, but cannot call anything: it builds
numbers, strings, tuples, lists, dicts, sets and NumPy arrays, and refuses everything else by its
name. What a file may build is bounded, so that a short one cannot ask for endless memory.

The standard library's unpickler with a `find_class` of its own would be shorter, but leave the
sandbox as the only wall: it sets the state of whatever it made, by C code of NumPy's that trusts
it. This machine takes 0.3 s for the arrays of 13,000 utterances (30 MB), and 3.6 s for the same as
lists of numbers.

Instructions: Python's ``pickletools`` documents them; protocols 0 to 5, Python 2 included.
"""

import codecs
import struct
from collections.abc import Callable
from typing import Any

from cberl.corpus.readers.pickled_names import (
    Name,
    admit_name,
    as_text,
    call,
    check_key,
    refuse_name,
    set_state,
)
from cberl.errors import InputError

MOST_OBJECTS = 20_000_000
"""Containers and remembered values; a corpus of a hundred thousand utterances has far fewer."""
MOST_QUOTED = 200
"""Characters of another's message."""

_STOP = ord(".")


def load_data_pickle(content: bytes, source: str) -> Any:
    """Read a pickle of plain data.

    Byte strings of Python 2 come as bytes;
    `cberl.corpus.readers.pickled_names.as_text` decodes them.

    Args:
        content: the whole file.
        source: its name, for messages.

    Returns:
        None, numbers, str, bytes, tuples, lists, dicts, sets and NumPy arrays of them.

    Raises:
        InputError: the pickle names anything else, is broken, or builds too much.
        MemoryError: what it builds does not fit into this process's memory.
    """
    if not content:
        raise InputError(f"{source}: is empty; expected a pickle")
    try:
        return _Machine(content).run()
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    except (ValueError, TypeError, LookupError, OverflowError, struct.error) as error:
        # NumPy and Python quote what they cannot read, which may be all of the file.
        words = f"{type(error).__name__}: {str(error)[:MOST_QUOTED]}"
        raise InputError(f"{source}: not a whole pickle ({words})") from None


class _Machine:
    """The stack machine; `_INSTRUCTIONS` binds each byte code to what it does."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.objects = 0

    def run(self) -> Any:
        content, instructions = self.content, _INSTRUCTIONS
        while (code := content[self.position]) != _STOP:
            self.position += 1
            instruction = instructions.get(code)
            if instruction is None:
                raise InputError(
                    f"uses instruction {bytes([code])!r} at byte {self.position - 1}; expected "
                    "built-in values and NumPy arrays, which never need it"
                )
            instruction(self)
        return self.pop()

    # Arguments in the file.

    def take(self, length: int) -> bytes:
        end = self.position + length
        if length < 0 or end > len(self.content):
            raise ValueError("ends too early")
        taken = self.content[self.position : end]
        self.position = end
        return taken

    def line(self) -> bytes:
        end = self.content.index(b"\n", self.position)
        taken = self.content[self.position : end]
        self.position = end + 1
        return taken

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def counted(self, form: str) -> bytes:
        return self.take(self.number(form))

    # The stack.

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_new(self, value: Any) -> None:
        self.spend(1)
        self.stack.append(value)

    def spend(self, objects: int) -> None:
        self.objects += objects
        if self.objects > MOST_OBJECTS:
            raise InputError(f"builds more than {MOST_OBJECTS} objects; expected fewer")

    def pop(self) -> Any:
        if self.marks and self.marks[-1] >= len(self.stack):
            raise ValueError("has a mark where a value is needed")
        return self.stack.pop()

    def mark(self) -> None:
        self.spend(1)
        self.marks.append(len(self.stack))

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"puts items into what is no {kind.__name__}")
        return self.stack[-1]

    def discard(self) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    # Containers.

    def append(self) -> None:
        value = self.pop()
        self.top(list).append(value)

    def appends(self) -> None:
        items = self.pop_to_mark()
        self.top(list).extend(items)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.top(dict)[check_key(key)] = value

    def set_items(self) -> None:
        items = self.pop_to_mark()
        self.top(dict).update(_pairs(items))

    def add_items(self) -> None:
        items = self.pop_to_mark()
        self.top(set).update(map(check_key, items))

    def tuple_of(self, length: int) -> None:
        items = [self.pop() for _ in range(length)]
        self.push_new(tuple(reversed(items)))

    # The memo.

    def remember(self, key: int) -> None:
        self.spend(1)
        self.memo[key] = self.stack[-1]

    # Names, and what is done with them.

    def name(self) -> None:
        module = as_text(self.line())
        self.push_new(admit_name(module, as_text(self.line())))

    def name_on_stack(self) -> None:
        name, module = as_text(self.pop()), as_text(self.pop())
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("has a name that is no text")
        self.push_new(admit_name(module, name))

    def old_instance(self) -> None:
        module = as_text(self.line())
        refuse_name(f"{module}.{as_text(self.line())}")

    def new_instance(self) -> None:
        _, kind = self.pop(), self.pop()
        refuse_name(_name_of(kind))

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        self.push(call(function, arguments, self.spend))

    def build(self) -> None:
        state = self.pop()
        set_state(self.stack[-1], state)

    # Text forms of protocol 0.

    def integer_line(self) -> None:
        text = self.line()
        self.push(text == b"01" if text in (b"00", b"01") else int(text))

    def string_line(self) -> None:
        text = self.line().strip()
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b'"', b"'"):
            raise ValueError("has a string without quotes")
        self.push(codecs.escape_decode(text[1:-1])[0])

    def protocol(self) -> None:
        version = self.number("<B")
        if version > 5:
            raise ValueError(f"has protocol {version}; expected at most 5")


def _name_of(value: Any) -> str:
    return value.full if isinstance(value, Name) else type(value).__name__


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(map(check_key, items[::2]), items[1::2], strict=True))


def _long(content: bytes) -> int:
    return int.from_bytes(content, "little", signed=True)


def _text(content: bytes) -> str:
    return str(content, "utf-8", "surrogatepass")


Instruction = Callable[[_Machine], None]


def _pushing(read: Callable[[_Machine], Any]) -> Instruction:
    return lambda machine: machine.push(read(machine))


def _building(make: Callable[[list[Any]], Any]) -> Instruction:
    return lambda machine: machine.push_new(make(machine.pop_to_mark()))


_SCALARS: dict[bytes, Instruction] = {
    b"N": _pushing(lambda machine: None),
    b"\x88": _pushing(lambda machine: True),
    b"\x89": _pushing(lambda machine: False),
    b"I": _Machine.integer_line,
    b"L": _pushing(lambda machine: int(machine.line().rstrip(b"L"))),
    b"J": _pushing(lambda machine: machine.number("<i")),
    b"K": _pushing(lambda machine: machine.number("<B")),
    b"M": _pushing(lambda machine: machine.number("<H")),
    b"\x8a": _pushing(lambda machine: _long(machine.counted("<B"))),
    b"\x8b": _pushing(lambda machine: _long(machine.counted("<i"))),
    b"F": _pushing(lambda machine: float(machine.line())),
    b"G": _pushing(lambda machine: machine.number(">d")),
    b"S": _Machine.string_line,
    b"T": _pushing(lambda machine: machine.counted("<i")),
    b"U": _pushing(lambda machine: machine.counted("<B")),
    b"V": _pushing(lambda machine: str(machine.line(), "raw-unicode-escape")),
    b"X": _pushing(lambda machine: _text(machine.counted("<I"))),
    b"\x8c": _pushing(lambda machine: _text(machine.counted("<B"))),
    b"\x8d": _pushing(lambda machine: _text(machine.counted("<Q"))),
    b"B": _pushing(lambda machine: machine.counted("<I")),
    b"C": _pushing(lambda machine: machine.counted("<B")),
    b"\x8e": _pushing(lambda machine: machine.counted("<Q")),
    b"\x96": _pushing(lambda machine: machine.counted("<Q")),
}
_CONTAINERS: dict[bytes, Instruction] = {
    b"(": _Machine.mark,
    b"0": _Machine.discard,
    b"1": lambda machine: machine.pop_to_mark() and None,
    b"2": _pushing(lambda machine: machine.stack[-1]),
    b")": _pushing(lambda machine: ()),
    b"]": lambda machine: machine.push_new([]),
    b"}": lambda machine: machine.push_new({}),
    b"\x8f": lambda machine: machine.push_new(set()),
    b"t": _building(tuple),
    b"l": _building(list),
    b"d": _building(_pairs),
    b"\x91": _building(lambda items: frozenset(map(check_key, items))),
    b"\x85": lambda machine: machine.tuple_of(1),
    b"\x86": lambda machine: machine.tuple_of(2),
    b"\x87": lambda machine: machine.tuple_of(3),
    b"a": _Machine.append,
    b"e": _Machine.appends,
    b"s": _Machine.set_item,
    b"u": _Machine.set_items,
    b"\x90": _Machine.add_items,
}
_MEMO_AND_NAMES: dict[bytes, Instruction] = {
    b"\x80": _Machine.protocol,
    b"\x95": lambda machine: machine.take(8) and None,
    b"p": lambda machine: machine.remember(int(machine.line())),
    b"q": lambda machine: machine.remember(machine.number("<B")),
    b"r": lambda machine: machine.remember(machine.number("<I")),
    b"\x94": lambda machine: machine.remember(len(machine.memo)),
    b"g": _pushing(lambda machine: machine.memo[int(machine.line())]),
    b"h": _pushing(lambda machine: machine.memo[machine.number("<B")]),
    b"j": _pushing(lambda machine: machine.memo[machine.number("<I")]),
    b"c": _Machine.name,
    b"\x93": _Machine.name_on_stack,
    b"i": _Machine.old_instance,
    b"o": lambda machine: refuse_name(_name_of(machine.pop_to_mark()[0])),
    b"\x81": _Machine.new_instance,
    b"R": _Machine.reduce,
    b"b": _Machine.build,
}
_INSTRUCTIONS: dict[int, Instruction] = {
    code[0]: instruction
    for part in (_SCALARS, _CONTAINERS, _MEMO_AND_NAMES)
    for code, instruction in part.items()
}
