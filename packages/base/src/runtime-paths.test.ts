import { describe, expect, it } from 'vitest';
import { type RuntimeHost, runtimePaths } from './runtime-paths.ts';

const linux: RuntimeHost = { platform: 'linux', xdgRuntimeDir: '/run/user/7', tmpdir: '/tmp', uid: 7 };

describe('runtime paths', () => {
  it('lie in the runtime folder of the user, one per data folder', () => {
    const one = runtimePaths('/home/a/one', linux);
    const two = runtimePaths('/home/a/two', linux);
    expect(one.dir).toMatch(/^\/run\/user\/7\/deskhand-[0-9a-f]{12}$/);
    expect(one.guardSocket).toBe(`${one.dir}/guard.sock`);
    expect(one.daemonSocket).toBe(`${one.dir}/daemon.sock`);
    expect(one.tokenFile).toBe(`${one.dir}/token`);
    expect(one.latchFile).toBe('/home/a/one/latch.json');
    expect(two.dir).not.toBe(one.dir);
  });

  it('carry the user in a shared temporary folder', () => {
    const paths = runtimePaths('/home/a/one', { ...linux, xdgRuntimeDir: undefined });
    expect(paths.dir).toMatch(/^\/tmp\/deskhand-7-[0-9a-f]{12}$/);
  });

  it('leave a runtime folder whose name is too long for a socket', () => {
    const long = `/run/${'x'.repeat(90)}`;
    expect(runtimePaths('/d', { ...linux, xdgRuntimeDir: long }).dir).toMatch(/^\/tmp\/deskhand-7-/);
    expect(runtimePaths('/d', { ...linux, xdgRuntimeDir: long, tmpdir: long }).dir).toMatch(
      /^\/tmp\/deskhand-7-/,
    );
  });

  it('are named pipes on Windows', () => {
    const paths = runtimePaths('C:\\d', {
      platform: 'win32',
      xdgRuntimeDir: undefined,
      tmpdir: 'C:\\Temp',
      uid: undefined,
    });
    expect(paths.guardSocket).toMatch(/^\\\\\.\\pipe\\deskhand-[0-9a-f]{12}-guard$/);
    expect(paths.latchFile).toBe('C:\\d\\latch.json');
  });
});
