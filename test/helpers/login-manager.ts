import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export const SESSION_PATH = '/org/freedesktop/login1/session/_37';

/** Owns the names, answers who asks, hands out locks as the real one does (the end of a pipe), and says what it is told to. */
const PROGRAM = `
import json, os, sys
import dbus, dbus.lowlevel, dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(sys.argv[1])
names = [dbus.service.BusName(name, bus) for name in ('org.freedesktop.login1', 'org.freedesktop.UPower')]

def say(**what):
    print(json.dumps(what), flush=True)

class Manager(dbus.service.Object):
    @dbus.service.method('org.freedesktop.login1.Manager', in_signature='s', out_signature='o')
    def GetSession(self, name):
        return dbus.ObjectPath(sys.argv[2])

    @dbus.service.method('org.freedesktop.login1.Manager', in_signature='u', out_signature='o')
    def GetSessionByPID(self, pid):
        return dbus.ObjectPath(sys.argv[2])

    @dbus.service.method('org.freedesktop.login1.Manager', in_signature='ssss', out_signature='h')
    def Inhibit(self, what, who, why, mode):
        ours, theirs = os.pipe()
        def gone(_fd, _condition):
            os.close(ours)
            say(lock='released')
            return False
        GLib.io_add_watch(ours, GLib.IO_HUP, gone)
        lock = dbus.types.UnixFd(theirs)
        os.close(theirs)
        say(lock='taken', what=what, who=who, mode=mode)
        return lock

manager = Manager(bus, '/org/freedesktop/login1')

def command(_fd, _condition):
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    path, interface, member, signature, body = json.loads(line)
    signal = dbus.lowlevel.SignalMessage(path, interface, member)
    if signature:
        signal.append(*body, signature=signature)
    bus.send_message(signal)
    return True

GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, command)
loop = GLib.MainLoop()
say(ready=True)
loop.run()
`;

/** A login manager as far as anybody outside it can see: its name, its answers, its signals, on a real bus. */
export class LoginManager implements AsyncDisposable {
  readonly address: string;
  /** Locks that hold up sleep now. */
  delays = 0;
  readonly #bus: ChildProcess;
  readonly #manager: ChildProcess;

  private constructor(bus: ChildProcess, address: string, manager: ChildProcess) {
    this.#bus = bus;
    this.address = address;
    this.#manager = manager;
  }

  static async start(): Promise<LoginManager> {
    const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const address = await new Promise<string>((resolve) =>
      bus.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    const manager = spawn('/usr/bin/python3', ['-c', PROGRAM, address, SESSION_PATH], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const login = new LoginManager(bus, address, manager);
    await new Promise<void>((resolve, reject) => {
      manager.once('exit', (code) => reject(new Error(`the login manager of the test ended with ${code}`)));
      createInterface({ input: manager.stdout }).on('line', (line) => {
        const said = JSON.parse(line);
        if (said.ready) resolve();
        if (said.lock === 'taken' && said.what === 'sleep' && said.mode === 'delay') login.delays += 1;
        if (said.lock === 'released') login.delays -= 1;
      });
    });
    return login;
  }

  sleep(asleep: boolean): void {
    this.signal('/org/freedesktop/login1', 'org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [
      asleep,
    ]);
  }

  signal(path: string, from: string, member: string, signature = '', body: unknown[] = []): void {
    this.#manager.stdin?.write(`${JSON.stringify([path, from, member, signature, body])}\n`);
  }

  changed(path: string, about: string, property: string, value: boolean): void {
    this.signal(path, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', [
      about,
      { [property]: value },
      [],
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#manager.kill('SIGKILL');
    this.#bus.kill('SIGKILL');
  }
}
