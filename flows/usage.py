"""What a command is given, and what is wrong with it as it was typed, in Vietnamese: typer says it in English."""

import re
from datetime import date, datetime, time
from typing import Any

import typer

# What typer says of one mistake (0.29, December 2026), and how it is told. Words it does not know yet are told as they are.
_WORDS = (
    (r"No such option: (\S+)(?: \(Possible options: (.*)\))?", r"không có tùy chọn {1}|; có lẽ là {2}"),
    (r"No such command '(.*?)'\.?(?: Did you mean (.*)\?)?", r"không có lệnh “{1}”|; có lẽ là {2}"),
    (r"Missing command\.", "thiếu tên lệnh"),
    (r"Missing (?:argument|option) '?(.*?)'?\.(?: .*)?", "thiếu {1}"),
    (
        r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)",
        "không hiểu phần thừa “{1}”; đường dẫn có dấu cách phải đặt trong dấu ngoặc kép",
    ),
    (r"Option '(.*)' requires (?:an argument|\d+ arguments)\.", "sau {1} cần một giá trị"),
    (r"Option '(.*)' does not take a value\.", "{1} không kèm giá trị"),
    (r"(?:\w+) '(.*)' does not exist\.", "không có “{1}”; hãy xem lại đường dẫn"),
    (r"(?:\w+) '(.*)' is a directory\.", "“{1}” là thư mục, ở đây cần tệp"),
    (r"(?:\w+) '(.*)' is a file\.", "“{1}” là tệp, ở đây cần thư mục"),
    (r"(?:\w+) '(.*)' is not (?:readable|writable)\.", "tài khoản đang chạy không có quyền với “{1}”"),
    (r"Value error, '(.*)' does not match the formats? .*", "“{1}” không đúng dạng"),
    (r"Value error, '(.*)' is not one of (.*)\.", "có “{1}”, cần một trong: {2}"),
    (r"Input should be greater than or equal to (.*)", "cần số từ {1} trở lên"),
    (r"Input should be less than or equal to (.*)", "cần số từ {1} trở xuống"),
    (r"Input should be a valid (?:integer|number).*", "cần một số"),
)


def parse_moment(text: str) -> datetime:
    """A moment of --as-of; a day alone, however it is written, means its end, so that the exports of that day count.

    Raises:
        typer.BadParameter: the text is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}” không phải thời điểm dạng 2024-06-30T23:00") from None
    if moment.tzinfo:
        raise typer.BadParameter("viết giờ Việt Nam, không kèm múi giờ")
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    except ValueError:
        return moment.replace(microsecond=0)


def describe_misuse(error: Any) -> str:
    """One line of what is wrong, with the option or argument it is about and an example of it, and one of where to read on.

    Args:
        error: a typer exception of wrong usage.
    """
    said = str(error.format_message())
    if type(error).__name__ == "NoArgsIsHelpError":  # nothing was typed: it is the help itself
        return said
    about = re.match(r"Invalid value(?: for (?P<name>.*?))?: ", said)
    told = _translate(said[about.end() :] if about else said)
    if about and about["name"]:
        told = f"{about['name'].replace(chr(39), '')}: {told}"
    param, context = getattr(error, "param", None), getattr(error, "ctx", None)
    facts = [text.rstrip(".") for text in (getattr(param, "metavar", None), getattr(param, "help", None)) if text]
    command = context.command_path if context else "tthc"
    explained = f" ({': '.join(facts)})" if facts else ""
    return f"Lệnh viết sai: {told}{explained}.\nCách dùng: {command} --help"


def _translate(said: str) -> str:
    for pattern, told in _WORDS:
        found = re.fullmatch(pattern, said, re.DOTALL)
        if found:
            parts = [part for number, part in enumerate(told.split("|")) if not number or found[found.re.groups]]
            return "".join(parts).format(said, *(group.replace("'", "") for group in found.groups("")))
    return said.rstrip(".")
