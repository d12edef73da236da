"""A window that writes down what really reached it, one JSON object per line, as it happens.

Usage: window.py EVENTS_FILE [TITLE]

Events: ready {places}, key {down, keysym, char, state}, button {down, number, x, y, widget, state},
motion {x, y, state}, wheel {direction}, pressed {name}, text {value}, entry {value}, focus {gained}.
x and y are desktop pixels.
"""

import json
import sys
import tkinter

events = open(sys.argv[1], "a", encoding="utf-8", buffering=1)


def tell(kind, **facts):
    events.write(json.dumps({"type": kind, **facts}) + "\n")


root = tkinter.Tk(className="target-window")
root.title(sys.argv[2] if len(sys.argv) > 2 else "Target window")
root.geometry("560x420")

entry = tkinter.Entry(root, font=("DejaVu Sans", 12))
entry.pack(fill="x", padx=8, pady=6)
text = tkinter.Text(root, height=8, font=("DejaVu Sans Mono", 11), undo=True)
text.pack(fill="both", expand=True, padx=8)
row = tkinter.Frame(root)
row.pack(fill="x", padx=8, pady=6)
canvas = tkinter.Canvas(root, height=120, background="#e8edf2", highlightthickness=0)
canvas.pack(fill="x", padx=8, pady=6)

widgets = {"entry": entry, "text": text, "canvas": canvas}
for name in ("Apply", "Discard", "Help"):
    button = tkinter.Button(row, text=name, command=lambda name=name: tell("pressed", name=name))
    button.pack(side="left", padx=4)
    widgets[name] = button
names = {str(widget): name for name, widget in widgets.items()}


def on_key(event, down):
    tell("key", down=down, keysym=event.keysym, char=event.char, state=event.state)


def on_button(event, down):
    if down and event.num in (4, 5):
        # Newer Tk turns the sideways wheel into the upright one with Shift.
        names_of = ("left", "right") if event.state & 1 else ("up", "down")
        tell("wheel", direction=names_of[event.num - 4])
    elif event.num in (6, 7):
        if down:
            tell("wheel", direction="left" if event.num == 6 else "right")
    elif event.num not in (4, 5):
        name = names.get(str(event.widget), "window")
        tell("button", down=down, number=event.num, x=event.x_root, y=event.y_root, widget=name, state=event.state)


root.bind_all("<KeyPress>", lambda event: on_key(event, True), add="+")
root.bind_all("<KeyRelease>", lambda event: on_key(event, False), add="+")
root.bind_all("<ButtonPress>", lambda event: on_button(event, True), add="+")
root.bind_all("<ButtonRelease>", lambda event: on_button(event, False), add="+")
canvas.bind("<Motion>", lambda event: tell("motion", x=event.x_root, y=event.y_root, state=event.state))
root.bind("<FocusIn>", lambda event: event.widget is root and tell("focus", gained=True))
root.bind("<FocusOut>", lambda event: event.widget is root and tell("focus", gained=False))

seen = {"text": "", "entry": ""}


def watch():
    """The content as it is, told when it has changed: widgets have no single event for that."""
    for name, value in (("text", text.get("1.0", "end-1c")), ("entry", entry.get())):
        if value != seen[name]:
            seen[name] = value
            tell(name, value=value)
    root.after(15, watch)


def ready():
    if not canvas.winfo_viewable():
        root.after(10, ready)
        return
    root.update_idletasks()
    tell(
        "ready",
        places={
            name: {
                "x": widget.winfo_rootx(),
                "y": widget.winfo_rooty(),
                "width": widget.winfo_width(),
                "height": widget.winfo_height(),
            }
            for name, widget in widgets.items()
        },
    )
    watch()


root.after(50, ready)
root.mainloop()
