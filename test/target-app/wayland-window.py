"""A GTK window over the whole Wayland screen that says what reached it. First argument: JSON with `patches` (solid
rectangles to draw), its `width` and `height`, and `text` (a text area that takes the keys). Prints "ready" when it is
painted, then one JSON object for each line it reads: by then the compositor has delivered everything that was sent before."""
import json
import os
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402

options = json.loads(sys.argv[1])


def picture():
    drawn = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, options["width"], options["height"])
    drawn.fill(0xE6E6E6FF)
    for patch in options.get("patches", []):
        red, green, blue = patch["color"]
        place = (patch["x"], patch["y"], patch["width"], patch["height"])
        drawn.new_subpixbuf(*place).fill((red << 24) | (green << 16) | (blue << 8) | 255)
    return drawn


events = []
held = []
pointer = None
ready = False

window = Gtk.Window()
window.fullscreen()
if options.get("text"):
    area = Gtk.TextView()
    window.add(area)
else:
    area = Gtk.EventBox()
    area.add(Gtk.Image.new_from_pixbuf(picture()))
    window.add(area)
    M = Gdk.EventMask
    area.add_events(
        M.BUTTON_PRESS_MASK | M.BUTTON_RELEASE_MASK | M.POINTER_MOTION_MASK | M.SMOOTH_SCROLL_MASK | M.ENTER_NOTIFY_MASK
    )
    window.add_events(M.KEY_PRESS_MASK | M.KEY_RELEASE_MASK)


def down(what):
    if what not in held:
        held.append(what)


def up(what):
    if what in held:
        held.remove(what)


def on_key(_widget, event):
    code = event.hardware_keycode
    if event.type == Gdk.EventType.KEY_PRESS:
        # A key that stays down repeats; that is the toolkit's doing.
        if f"key {code}" not in held:
            events.append(f"key {code}")
        down(f"key {code}")
    else:
        events.append(f"key up {code}")
        up(f"key {code}")
    return True


def on_button(_widget, event):
    if event.type == Gdk.EventType.BUTTON_PRESS:
        events.append(f"press {event.button}")
        down(f"button {event.button}")
    elif event.type == Gdk.EventType.BUTTON_RELEASE:
        events.append(f"release {event.button}")
        up(f"button {event.button}")
    return True


def on_motion(_widget, event):
    global pointer
    pointer = {"x": event.x, "y": event.y}
    return True


def on_scroll(_widget, event):
    # GTK 3 takes left for right in the directions it derives from notches; the deltas are the compositor's own.
    smooth, across, along = event.get_scroll_deltas()
    if smooth:
        number = (4 if along < 0 else 5) if along else (6 if across < 0 else 7)
        events.append(f"press {number}")
        events.append(f"release {number}")
    return True


def on_painted(_clock):
    global ready
    if not ready and window.get_allocated_width() >= options["width"]:
        ready = True
        # The compositor shows it with its next frame.
        GLib.timeout_add(50, lambda: print("ready", flush=True) or False)


def text():
    if not options.get("text"):
        return ""
    buffer = area.get_buffer()
    return buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), True)


def on_question(_channel, _condition):
    if not sys.stdin.readline():
        os._exit(0)
    Gdk.Display.get_default().sync()
    while Gtk.events_pending():
        Gtk.main_iteration()
    print(json.dumps({"events": list(events), "pointer": pointer, "held": list(held), "text": text()}), flush=True)
    events.clear()
    return True


if not options.get("text"):
    window.connect("key-press-event", on_key)
    window.connect("key-release-event", on_key)
    area.connect("button-press-event", on_button)
    area.connect("button-release-event", on_button)
    area.connect("motion-notify-event", on_motion)
    area.connect("enter-notify-event", on_motion)
    area.connect("scroll-event", on_scroll)
window.connect("destroy", Gtk.main_quit)
GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, on_question)
window.show_all()
window.get_window().get_frame_clock().connect("after-paint", on_painted)
Gtk.main()
