import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './repository.mjs';
import { makeScratch, makeSink } from './scratch.mjs';
import {
  adviceFor,
  installSystemPackages,
  missingPackages,
  packagesFor,
  parseDistributions,
  parseInstalled,
} from './system-packages.mjs';

const dpkgOutput =
  'xvfb installed\nopenbox config-files\nxclip not-installed\nlibc6 installed\nlibc6 installed\n';
const list = [
  { name: 'xvfb', needs: 'run', why: 'a display' },
  { name: 'openbox', needs: 'run', why: 'windows' },
  { name: 'scrot', needs: 'test', why: 'a judge' },
  {
    name: 'chromium',
    needs: 'run',
    why: 'a browser',
    provides: ['google-chrome'],
    snapOn: ['ubuntu'],
    byHand: 'install Chrome',
  },
];
const machine = { installed: new Set(['xvfb']), isOnPath: () => false, distributions: ['debian'] };

describe('which system packages are missing', () => {
  it('counts only packages dpkg calls installed', () => {
    expect([...parseInstalled(dpkgOutput)]).toEqual(['xvfb', 'libc6']);
  });

  it('names the rest', () => {
    expect(missingPackages(list, machine)).toEqual({ byApt: ['openbox', 'scrot', 'chromium'], byHand: [] });
  });

  it('takes another command on PATH for the package', () => {
    const isOnPath = (command) => command === 'google-chrome';
    expect(missingPackages(list, { ...machine, isOnPath }).byApt).toEqual(['openbox', 'scrot']);
  });

  it('does not ask apt for a package that is only a snap there', () => {
    const { byApt, byHand } = missingPackages(list, { ...machine, distributions: ['ubuntu', 'debian'] });
    expect(byApt).toEqual(['openbox', 'scrot']);
    expect(byHand.map((entry) => entry.name)).toEqual(['chromium']);
  });

  it('reads the distribution and its parents', () => {
    expect(parseDistributions('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n')).toEqual([
      'linuxmint',
      'ubuntu',
      'debian',
    ]);
    expect(parseDistributions('')).toEqual([]);
  });
});

describe('the list', () => {
  it('has each package once, with a reason and a use', () => {
    const all = packagesFor('test', root);
    expect(new Set(all.map((entry) => entry.name)).size).toBe(all.length);
    for (const entry of all) {
      expect(entry.why.length, entry.name).toBeGreaterThan(3);
      expect(['run', 'test'], entry.name).toContain(entry.needs);
      if (entry.snapOn) expect(entry.byHand, entry.name).toBeTruthy();
    }
  });

  it('asks less of npm start than of npm test', () => {
    const run = packagesFor('run', root).map((entry) => entry.name);
    expect(run).toContain('xvfb');
    expect(run).not.toContain('scrot');
  });
});

/** A Debian with only xvfb; its apt-get does as `apt` says, dpkg-query reports what lies in `state`. */
function fakeDebian({ apt, isRoot = true }) {
  const scratch = makeScratch({
    'bin/system-packages.json': JSON.stringify(list),
    state: 'xvfb installed\n',
    'tools/dpkg-query': `#!/bin/sh\ncat "\${0%/tools/*}/state"; exit 1\n`,
    'tools/apt-get': `#!/bin/sh\nhere=\${0%/tools/*}\necho "$@" >>"$here/calls"\n${apt}\n`,
  });
  const path = `${join(scratch.folder, 'tools')}:/usr/bin:/bin`;
  return {
    ...scratch,
    [Symbol.dispose]: scratch[Symbol.dispose],
    machine: { platform: 'linux', isRoot, path, osRelease: 'ID=debian\n' },
    calls: () =>
      existsSync(join(scratch.folder, 'calls')) ? readFileSync(join(scratch.folder, 'calls'), 'utf8') : '',
  };
}

describe.skipIf(process.platform === 'win32')('installing them', () => {
  it('tells who is not root one line with the exact command, and runs nothing', async () => {
    using debian = fakeDebian({ apt: 'exit 0', isRoot: false });
    const failure = await installSystemPackages('test', debian.folder, makeSink(), debian.machine).catch(
      (error) => error,
    );
    expect(failure.report()).toBe(
      'set-up stopped: 3 system packages are missing; run this once, then try again: ' +
        'sudo apt-get install -y --no-install-recommends openbox scrot chromium',
    );
    expect(debian.calls()).toBe('');
  });

  it('asks of npm start only what running needs', async () => {
    using debian = fakeDebian({ apt: 'exit 0', isRoot: false });
    const failure = await installSystemPackages('run', debian.folder, makeSink(), debian.machine).catch(
      (error) => error,
    );
    expect(failure.message).toMatch(/^2 system packages .* openbox chromium$/);
  });

  it('installs as root, also when one source of the list fails to update', async () => {
    using debian = fakeDebian({
      apt: 'case "$*" in *update*) echo "Err:1 broken.example"; exit 100;; *) for name in openbox scrot chromium; do echo "$name installed" >>"$here/state"; done;; esac',
    });
    const sink = makeSink();
    await installSystemPackages('test', debian.folder, sink, debian.machine);
    expect(sink.text).toContain('system packages (3: openbox, scrot, chromium) done');
    const calls = debian.calls().trim().split('\n');
    expect(calls).toHaveLength(2);
    expect(calls[1]).toMatch(/install -y --no-install-recommends openbox scrot chromium$/);

    await installSystemPackages('test', debian.folder, sink, debian.machine);
    expect(debian.calls().trim().split('\n'), 'the second time nothing is called').toHaveLength(2);
  });

  it('shows the last words of a failing apt-get, the command, and what to do', async () => {
    using debian = fakeDebian({
      apt: 'seq 1 40; echo "E: Could not get lock /var/lib/dpkg/lock-frontend"; exit 100',
    });
    const failure = await installSystemPackages('test', debian.folder, makeSink(), debian.machine).catch(
      (error) => error,
    );
    const lines = failure.report().split('\n');
    expect(lines.filter((line) => line.startsWith('  | '))).toHaveLength(20);
    expect(lines[19]).toContain('Could not get lock');
    expect(lines[20]).toMatch(/^ {2}command: apt-get .*install/);
    expect(lines[21]).toMatch(/^set-up stopped: .*another package manager is at work/);
  });

  it('does not take apt-get at its word: what is still missing is a failure', async () => {
    using debian = fakeDebian({ apt: 'exit 0' });
    const failure = await installSystemPackages('test', debian.folder, makeSink(), debian.machine).catch(
      (error) => error,
    );
    expect(failure.message).toContain('(openbox scrot chromium)');
  });

  it.each(['darwin', 'win32', 'linux'])(
    'says in one line what is expected on %s without dpkg, and goes on',
    async (platform) => {
      const sink = makeSink();
      await installSystemPackages('test', root, sink, {
        platform,
        isRoot: false,
        path: '/nowhere',
        osRelease: '',
      });
      expect(sink.text.trim().split('\n')).toHaveLength(1);
      expect(sink.text).toContain('expected');
    },
  );
});

describe('advice', () => {
  it.each([
    [
      'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (apt)',
      'another package manager',
    ],
    ["Err:1 http://deb.debian.org  Temporary failure resolving 'deb.debian.org'", "can't be reached"],
    ['E: dpkg was interrupted, you must manually run …', 'dpkg --configure -a'],
    ['E: You do not have enough free space in /var/cache/apt/archives/.', 'disk is full'],
    ['E: Unable to locate package picom', 'no package of that name'],
    ['something else', "see apt's words"],
  ])('for %s', (output, advice) => {
    expect(adviceFor(output, ['xvfb'])).toContain(advice);
  });
});
