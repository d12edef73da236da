import { describe, expect, it } from 'vitest';
import { type InstalledApplication, parseDesktopEntry } from './desktop-entries.ts';
import { matchApplication, meansOurBrowser, nearestNames, plainName } from './everyday-names.ts';

const installed = [
  entry('org.xfce.mousepad', 'Name=Mousepad\nGenericName=Text Editor\nExec=mousepad %U\nName[de]=Mauspad'),
  entry(
    'org.xfce.mousepad-settings',
    'Name=Text Editor Settings\nExec=mousepad --preferences\nCategories=GTK;Settings;',
  ),
  entry('debian-xterm', 'Name=XTerm\nExec=xterm\nStartupWMClass=XTerm\nKeywords=shell;prompt;cmd;'),
  entry('debian-uxterm', 'Name=UXTerm\nExec=uxterm\nStartupWMClass=UXTerm\nKeywords=shell;prompt;cmd;'),
  entry(
    'libreoffice-writer',
    'Name=LibreOffice Writer\nGenericName=Word Processor\nExec=libreoffice --writer %U',
  ),
  entry('org.kde.krita', 'Name=Krita\nGenericName=Digital Painting\nExec=krita %F\nKeywords=brush;'),
];

function entry(id: string, lines: string): InstalledApplication {
  const parsed = parseDesktopEntry(
    id,
    `[Desktop Entry]\nType=Application\n${lines}\n[Desktop Action x]\nName=No\n`,
  );
  if (parsed === null) throw new Error('not an application');
  return parsed;
}

describe('matchApplication', () => {
  it.each([
    ['the text editor', 'Mousepad'],
    ['Text Editor', 'Mousepad'],
    ['notepad', 'Mousepad'],
    ['Mousepad', 'Mousepad'],
    ['mousepad editor', 'Mousepad'],
    ['Text Editor Settings', 'Text Editor Settings'],
    ['a terminal', 'XTerm'],
    ['the command line', 'XTerm'],
    ['UXTerm', 'UXTerm'],
    ['Word Processor', 'LibreOffice Writer'],
    ['writer', 'LibreOffice Writer'],
    ['paint', 'Krita'],
    ['brush', 'Krita'],
  ])('understands %j as %s', (name, expected) => {
    expect(matchApplication(name, installed)?.name).toBe(expected);
  });

  it('takes an application before another entry that starts the same program', () => {
    for (const name of ['mousepad', 'Mousepad'])
      expect(matchApplication(name, [...installed].reverse())?.name).toBe('Mousepad');
  });

  it.each(['calculator', 'shell prompt', 'rm -rf /', '', '   ', 'cmd'])('does not guess at %j', (name) => {
    expect(matchApplication(name, installed)).toBeNull();
  });
});

it.each(['Chrome', 'the browser', 'Google Chrome', 'chromium', 'a web browser'])(
  'drives %j itself',
  (name) => {
    expect(meansOurBrowser(name)).toBe(true);
  },
);

it('leaves other browsers to the person', () => {
  expect(meansOurBrowser('Firefox')).toBe(false);
});

it('offers the nearest names', () => {
  expect(nearestNames('mouse pad', installed, 2)[0]).toBe('Mousepad');
  expect(nearestNames('libre office writter', installed, 1)).toEqual(['LibreOffice Writer']);
});

it('drops filler but never everything', () => {
  expect(plainName('the Text-Editor app, please!')).toBe('text editor');
  expect(plainName('The App')).toBe('the app');
});
