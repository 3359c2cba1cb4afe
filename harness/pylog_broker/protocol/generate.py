"""Generates `generated/*.py`, flat codecs, from the schema table.

    python -m harness.pylog_broker.protocol.generate          # write
    python -m harness.pylog_broker.protocol.generate --check  # exit 1 when a file differs from the table

One module per API with one class per structure. `read` and `write` branch on the version only where versions differ;
neighbouring numbers of the same versions go through one `struct` call. The modules are committed so that the broker
starts without generating anything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from harness.pylog_broker.protocol.schema_table import (
    FIXED_WIDTHS,
    STRUCT_CODES,
    Api,
    Field,
    Versions,
    load_apis,
    structure_bytes_min,
)

GENERATED_FOLDER = Path(__file__).parent / "generated"
STRUCTURE_PRESENT, STRUCTURE_ABSENT = 1, 255  # the byte before a structure that may be null, as int8 1 and -1
INDEX_MODULE = "index"

_SCALAR_TYPES = {
    "bool": "bool",
    "float64": "float",
    "string": "str",
    "bytes": "bytes",
    "records": "bytes",
    "uuid": "UUID",
}

_HEADER = '''"""Generated from schema/{module}.txt by protocol/generate.py: change the table, not this file."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, unpack_from
from typing import ClassVar, Self
from uuid import UUID

from harness.pylog_broker.protocol.message import Message, Structure
from harness.pylog_broker.protocol.primitives import (
    CLASSIC,
    COMPACT,
    ZERO_UUID,
    Buffer,
    read_tag,
    read_unsigned_varint,
    read_uuid,
    skip_tags,
    write_tags,
)
'''


def generate_module(api: Api) -> str:
    """The text of the module for one API."""
    return _ModuleWriter(api).text()


def generate_index(apis: list[Api]) -> str:
    """The text of the index: key, name, module and versions of every API of the table."""
    rows = "\n".join(
        f'    {api.key}: ("{api.name}", "{api.module}", {api.versions.first}, {api.versions.last}, {api.flexible_from}),'
        for api in apis
    )
    return (
        '"""Generated from schema/ by protocol/generate.py: change the table, not this file."""\n\n'
        "from __future__ import annotations\n\n"
        "APIS: dict[int, tuple[str, str, int, int, int]] = {\n"
        f"{rows}\n}}\n"
        '"""API key -> name, generated module, first version, last version, first flexible version."""\n'
    )


class _ModuleWriter:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._struct_codes: set[str] = set()

    def text(self) -> str:
        body: list[str] = []
        for kind, fields in (("Request", self._api.request), ("Response", self._api.response)):
            for line in self._structure(f"{self._api.name}{kind}", f"{self._api.name}{kind}", fields, is_message=True):
                body.append(line)  # noqa: PERF402 - lines of nested generators in order
        structs = [f'_{_struct_name(codes)} = Struct(">{codes}")' for codes in sorted(self._struct_codes)]
        return _HEADER.format(module=self._api.module) + "\n" + "\n".join(structs) + "\n" + "\n".join(body) + "\n"

    def _structure(self, name: str, message: str, fields: list[Field], *, is_message: bool) -> Iterator[str]:
        for nested in fields:
            if nested.is_structure:
                yield from self._structure(message + nested.type, message, nested.fields, is_message=False)
        yield ""
        yield ""
        yield f"class {name}({'Message' if is_message else 'Structure'}):"
        yield f'    """{self._docstring(name, is_message)}"""'
        yield ""
        slots = ", ".join(f'"{item.name}"' for item in fields)
        yield f"    __slots__ = ({slots}{',' if len(fields) == 1 else ''})"
        if is_message:
            yield ""
            yield f"    API_KEY: ClassVar[int] = {self._api.key}"
            yield f"    MIN_VERSION: ClassVar[int] = {self._api.versions.first}"
            yield f"    MAX_VERSION: ClassVar[int] = {self._api.versions.last}"
            yield f"    FLEXIBLE_FROM: ClassVar[int] = {self._api.flexible_from}"
        yield from self._constructor(message, fields)
        yield from self._reader(message, fields)
        yield from self._writer(fields)

    def _docstring(self, name: str, is_message: bool) -> str:
        versions = self._api.versions
        return f"{name}, versions {versions.first} to {versions.last}." if is_message else f"Part of {self._api.name}."

    def _constructor(self, message: str, fields: list[Field]) -> Iterator[str]:
        yield ""
        if not fields:
            yield "    def __init__(self) -> None:"
            yield "        pass"
            return
        yield "    def __init__("
        yield "        self,"
        for item in fields:
            yield f"        {item.name}: {_annotation(message, item)} = {_default(item)},"
        yield "    ) -> None:"
        for item in fields:
            yield f"        self.{item.name} = {item.name}"

    # --- reading ---------------------------------------------------------------------------------------------------

    def _reader(self, message: str, fields: list[Field]) -> Iterator[str]:
        yield ""
        yield "    @classmethod"
        yield "    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:"
        if _needs_encoding(fields):
            yield f"        encoding = {self._encoding()}"
        for block in self._blocks(fields):
            yield from self._read_block(message, block)
        yield from self._read_tags(message, [item for item in fields if item.tag is not None])
        yield f"        return cls({', '.join(item.name for item in fields)}), position"

    def _read_block(self, message: str, block: list[Field]) -> Iterator[str]:
        condition = self._condition(block[0].versions)
        indent = "        "
        if condition:
            for item in block:
                yield f"{indent}{item.name}: {_annotation(message, item)} = {_default(item)}"
            yield f"{indent}if {condition}:"
            indent += "    "
        if block[0].is_fixed:
            codes = "".join(STRUCT_CODES[item.type] for item in block)
            self._struct_codes.add(codes)
            targets = ", ".join(item.name for item in block) + ("," if len(block) == 1 else "")
            yield f"{indent}{targets} = _{_struct_name(codes)}.unpack_from(data, position)"
            yield f"{indent}position += {sum(FIXED_WIDTHS[item.type] for item in block)}"
            return
        (item,) = block
        if not condition:
            yield f"{indent}{item.name}: {_annotation(message, item)}"
        yield from self._read_field(message, item, indent)

    def _read_field(self, message: str, item: Field, indent: str) -> Iterator[str]:
        """Read one variable-length field, in a branch of its own where only some versions allow null."""
        if item.array or item.null is None or item.null == item.versions:
            yield from self._read_value(message, item, indent, nullable=item.null is not None)
            return
        yield f"{indent}if {self._condition(item.null, item.versions)}:"
        yield from self._read_value(message, item, indent + "    ", nullable=True)
        yield f"{indent}else:"
        yield from self._read_value(message, item, indent + "    ", nullable=False)

    def _read_value(self, message: str, item: Field, indent: str, *, nullable: bool) -> Iterator[str]:
        prefix = "read_nullable" if nullable else "read"
        if not item.array:
            if item.is_structure and nullable:  # a byte before it says whether it is there
                yield f"{indent}{item.name} = None"
                yield f"{indent}position += 1"
                yield f"{indent}if data[position - 1] == {STRUCTURE_PRESENT}:"
                indent += "    "
            yield f"{indent}{item.name}, position = {_read_scalar(message, item, prefix)}"
            return
        read_count = f"encoding.{prefix}_count"
        if item.null is not None and item.null != item.versions:
            sometimes = self._condition(item.null, item.versions)
            read_count = f"(encoding.read_nullable_count if {sometimes} else encoding.read_count)"
        yield f"{indent}element_count, position = {read_count}(data, position, {self._element_bytes_min(item)})"
        if nullable:
            yield f"{indent}{item.name} = None"
            yield f"{indent}if element_count >= 0:"
            indent += "    "
        if item.type in FIXED_WIDTHS:
            yield f'{indent}{item.name} = list(unpack_from(f">{{element_count}}{STRUCT_CODES[item.type]}", data, position))'
            yield f"{indent}position += {FIXED_WIDTHS[item.type]} * element_count"
            return
        elements = f"{item.name}_elements"
        yield f"{indent}{elements}: list[{_element_annotation(message, item)}] = []"
        yield f"{indent}for _ in range(element_count):"
        yield f"{indent}    {item.name}_element, position = {_read_scalar(message, item, 'read')}"
        yield f"{indent}    {elements}.append({item.name}_element)"
        yield f"{indent}{item.name} = {elements}"

    def _read_tags(self, message: str, tagged: list[Field]) -> Iterator[str]:
        condition = self._condition(Versions(self._api.flexible_from, self._api.versions.last))
        if self._api.flexible_from > self._api.versions.last:
            return
        indent = "        "
        for item in tagged:
            yield f"{indent}{item.name}: {_annotation(message, item)} = {_default(item)}"
        if condition:
            yield f"{indent}if {condition}:"
            indent += "    "
        if not tagged:
            yield f"{indent}position = skip_tags(data, position)"
            return
        yield f"{indent}tag_count, position = read_unsigned_varint(data, position)"
        yield f"{indent}for _ in range(tag_count):"
        yield f"{indent}    tag, position, tag_end = read_tag(data, position)"
        for item in tagged:
            only = self._condition(item.versions, Versions(self._api.flexible_from, self._api.versions.last))
            yield f"{indent}    if tag == {item.tag}{f' and {only}' if only else ''}:"
            if item.is_fixed:
                codes = STRUCT_CODES[item.type]
                self._struct_codes.add(codes)
                yield f"{indent}        {item.name}, = _{_struct_name(codes)}.unpack_from(data, position)"
            else:
                yield from self._read_field(message, item, indent + "        ")
        yield f"{indent}    position = tag_end"

    # --- writing ---------------------------------------------------------------------------------------------------

    def _writer(self, fields: list[Field]) -> Iterator[str]:
        yield ""
        yield "    def write(self, out: bytearray, version: int) -> None:"
        if _needs_encoding(fields):
            yield f"        encoding = {self._encoding()}"
        for block in self._blocks(fields):
            indent = "        "
            condition = self._condition(block[0].versions)
            if condition:
                yield f"{indent}if {condition}:"
                indent += "    "
            yield from self._write_block(block, indent)
        yield from self._write_tags([item for item in fields if item.tag is not None])
        if not fields and self._api.flexible_from > self._api.versions.last:
            yield "        return"

    def _write_block(self, block: list[Field], indent: str, out: str = "out") -> Iterator[str]:
        if block[0].is_fixed:
            codes = "".join(STRUCT_CODES[item.type] for item in block)
            self._struct_codes.add(codes)
            values = ", ".join(f"self.{item.name}" for item in block)
            yield f"{indent}{out} += _{_struct_name(codes)}.pack({values})"
            return
        (item,) = block
        value = f"self.{item.name}"
        if not item.array:
            if item.is_structure and item.null is not None:
                yield f"{indent}{out}.append({STRUCTURE_PRESENT} if {value} is not None else {STRUCTURE_ABSENT})"
                yield f"{indent}if {value} is not None:"
                indent += "    "
            yield f"{indent}{_write_scalar(item, value, out)}"
            return
        yield f"{indent}encoding.write_count({out}, {value})"
        element = f"{item.name}_element"
        yield f"{indent}for {element} in {value}{' or ()' if item.null else ''}:"
        if item.type in FIXED_WIDTHS:
            codes = STRUCT_CODES[item.type]
            self._struct_codes.add(codes)
            yield f"{indent}    {out} += _{_struct_name(codes)}.pack({element})"
        else:
            yield f"{indent}    {_write_scalar(item, element, out)}"

    def _write_tags(self, tagged: list[Field]) -> Iterator[str]:
        if self._api.flexible_from > self._api.versions.last:
            return
        flexible = Versions(self._api.flexible_from, self._api.versions.last)
        condition = self._condition(flexible)
        indent = "        "
        if condition:
            yield f"{indent}if {condition}:"
            indent += "    "
        if not tagged:
            yield f"{indent}out.append(0)"
            return
        yield f"{indent}tags: list[tuple[int, Buffer]] = []"
        for item in sorted(tagged, key=lambda field: field.tag or 0):
            only = self._condition(item.versions, flexible)
            yield f"{indent}if {f'{only} and ' if only else ''}{_differs_from_default(item)}:"
            yield f"{indent}    tag_value = bytearray()"
            yield from self._write_block([item], indent + "    ", "tag_value")
            yield f"{indent}    tags.append(({item.tag}, tag_value))"
        yield f"{indent}write_tags(out, tags)"

    # --- shared ----------------------------------------------------------------------------------------------------

    def _blocks(self, fields: list[Field]) -> Iterator[list[Field]]:
        """Untagged fields in order; neighbouring fixed-width fields of the same versions are one block."""
        untagged = [item for item in fields if item.tag is None]
        for (_, fixed), group in groupby(untagged, key=lambda item: (item.versions, item.is_fixed)):
            members = list(group)
            if fixed:
                yield members
            else:
                yield from ([item] for item in members)

    def _encoding(self) -> str:
        condition = self._condition(Versions(self._api.flexible_from, self._api.versions.last))
        if self._api.flexible_from > self._api.versions.last:
            return "CLASSIC"
        return f"COMPACT if {condition} else CLASSIC" if condition else "COMPACT"

    def _element_bytes_min(self, item: Field) -> int:
        sizes = []
        for version in range(item.versions.first, item.versions.last + 1):
            flexible = version >= self._api.flexible_from
            if item.is_structure:
                sizes.append(structure_bytes_min(item.fields, version, flexible))
            else:
                sizes.append(item.bytes_min(version, flexible))
        return max(1, min(sizes))

    def _condition(self, versions: Versions, within: Versions | None = None) -> str:
        """The test on `version` that tells `versions` from the rest of `within`; empty where there is no rest."""
        within = within or self._api.versions
        if versions.first > within.first and versions.last < within.last:
            return f"{versions.first} <= version <= {versions.last}"
        if versions.first > within.first:
            return f"version >= {versions.first}"
        return f"version <= {versions.last}" if versions.last < within.last else ""


def _struct_name(codes: str) -> str:
    return "STRUCT_" + codes.replace("?", "o")


def _needs_encoding(fields: list[Field]) -> bool:
    return any(item.array or item.type in ("string", "bytes", "records") for item in fields)


def _element_annotation(message: str, item: Field) -> str:
    return message + item.type if item.is_structure else _SCALAR_TYPES.get(item.type, "int")


def _annotation(message: str, item: Field) -> str:
    base = _element_annotation(message, item)
    base = f"Sequence[{base}]" if item.array else base
    optional = item.null is not None or (item.is_structure and not item.array)
    return f"{base} | None" if optional else base


def _default(item: Field) -> str:
    if item.array:
        return "None" if item.default == "null" else "()"
    if item.default == "null" or item.is_structure:
        return "None"
    if item.type == "bool":
        return "True" if item.default == "true" else "False"
    if item.type == "string":
        return f'"{item.default or ""}"'
    if item.type in ("bytes", "records"):
        return "None" if item.null is not None else 'b""'
    if item.type == "uuid":
        return "ZERO_UUID"
    return item.default or "0"


def _differs_from_default(item: Field) -> str:
    default = _default(item)
    if item.array:
        return f"self.{item.name}"
    return f"self.{item.name} is not None" if default == "None" else f"self.{item.name} != {default}"


def _read_scalar(message: str, item: Field, prefix: str) -> str:
    if item.is_structure:
        return f"{message}{item.type}.read(data, position, version)"
    if item.type == "uuid":
        return "read_uuid(data, position)"
    kind = "bytes" if item.type == "records" else item.type
    return f"encoding.{prefix}_{kind}(data, position)"


def _write_scalar(item: Field, value: str, out: str) -> str:
    if item.is_structure:
        return f"{value}.write({out}, version)"
    if item.type == "uuid":
        return f"{out} += {value}.bytes"
    kind = "bytes" if item.type == "records" else item.type
    return f"encoding.write_{kind}({out}, {value})"


def generate_all() -> dict[str, str]:
    """File name -> text of every generated module."""
    apis = load_apis()
    files = {f"{api.module}.py": generate_module(api) for api in apis}
    files[f"{INDEX_MODULE}.py"] = generate_index(apis)
    files["__init__.py"] = '"""Codecs generated from `schema/`; `protocol/generate.py` writes them."""\n'
    return files


def main(arguments: list[str]) -> int:
    """Write the modules, or with `--check` compare them; returns the exit code."""
    files = generate_all()
    stale = [
        name
        for name, text in files.items()
        if not (GENERATED_FOLDER / name).is_file() or (GENERATED_FOLDER / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        if stale:
            sys.stderr.write(f"out of date: {', '.join(stale)}; run python -m harness.pylog_broker.protocol.generate\n")
        return 1 if stale else 0
    GENERATED_FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (GENERATED_FOLDER / name).write_text(files[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
