"""What compiled programs do, read off their text."""


def loops_of(text):
    """The part of a program's text that holds its loops' bodies: all but what runs once."""
    return text.split("ENTRY")[0]


def copies_of(form, text):
    """Lines that copy an array of which type and shape hold `form`, such as 'f32[20,' or '[20,3]'."""
    return [line for line in text.splitlines() if " copy(" in line and form in line.split(" copy(")[0]]
