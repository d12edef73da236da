import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the parts of one virtual desktop's private folder are. */
export type SessionFiles = Readonly<{
  folder: string;
  authority: string;
  runtime: string;
  bus: string;
  openboxConfig: string;
  xResources: string;
  config: string;
  cache: string;
  data: string;
  state: string;
}>;

export function sessionFilesIn(folder: string): SessionFiles {
  return {
    folder,
    authority: join(folder, 'Xauthority'),
    runtime: join(folder, 'runtime'),
    bus: join(folder, 'bus'),
    openboxConfig: join(folder, 'openbox.xml'),
    xResources: join(folder, 'xresources'),
    config: join(folder, 'config'),
    cache: join(folder, 'cache'),
    data: join(folder, 'data'),
    state: join(folder, 'state'),
  };
}

/** Writes the tidy, quiet settings a private desktop starts with. The folder itself exists and is ours alone. */
export async function writeSessionFiles(files: SessionFiles): Promise<void> {
  for (const folder of [files.runtime, files.config, files.cache, files.data, files.state]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const gtk = join(files.config, 'gtk-3.0');
  await mkdir(gtk, { mode: 0o700 });
  const gtk4 = join(files.config, 'gtk-4.0');
  await mkdir(gtk4, { mode: 0o700 });
  await Promise.all([
    writeFile(files.openboxConfig, OPENBOX_CONFIG),
    writeFile(join(files.folder, 'menu.xml'), EMPTY_MENU),
    writeFile(files.xResources, X_RESOURCES),
    writeFile(join(gtk, 'settings.ini'), GTK_SETTINGS),
    writeFile(join(gtk4, 'settings.ini'), GTK_SETTINGS),
  ]);
}

/** Nothing may move by itself: an animation is a reason to wait, and a blinking caret is a changed picture. */
const GTK_SETTINGS = `[Settings]
gtk-enable-animations=0
gtk-cursor-blink=0
gtk-overlay-scrolling=0
gtk-font-name=DejaVu Sans 10
`;

const X_RESOURCES = `XTerm*faceName: DejaVu Sans Mono
XTerm*faceSize: 11
XTerm*utf8: 1
XTerm*locale: true
XTerm*cursorBlink: false
XTerm*background: #1c2128
XTerm*foreground: #e6edf3
XTerm*metaSendsEscape: true
XTerm*saveLines: 4000
`;

const EMPTY_MENU = `<?xml version="1.0" encoding="UTF-8"?>
<openbox_menu xmlns="http://openbox.org/3.4/menu"/>
`;

/**
 * Decorated windows, focus by click, one desktop, no menu on the wallpaper. Few key bindings, because
 * every one is grabbed again whenever the keyboard map changes.
 */
const OPENBOX_CONFIG = `<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <resistance><strength>10</strength><screen_edge_strength>20</screen_edge_strength></resistance>
  <focus>
    <focusNew>yes</focusNew>
    <followMouse>no</followMouse>
    <focusLast>yes</focusLast>
    <raiseOnFocus>yes</raiseOnFocus>
  </focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme>
    <name>Clearlooks</name>
    <titleLayout>NLIMC</titleLayout>
    <keepBorder>yes</keepBorder>
    <animateIconify>no</animateIconify>
    <font place="ActiveWindow"><name>DejaVu Sans</name><size>9</size><weight>bold</weight><slant>normal</slant></font>
    <font place="InactiveWindow"><name>DejaVu Sans</name><size>9</size><weight>normal</weight><slant>normal</slant></font>
  </theme>
  <desktops><number>1</number><firstdesk>1</firstdesk><popupTime>0</popupTime></desktops>
  <resize><drawContents>yes</drawContents><popupShow>Never</popupShow></resize>
  <keyboard>
    <keybind key="A-F4"><action name="Close"/></keybind>
    <keybind key="A-Tab"><action name="NextWindow"><finalactions><action name="Focus"/><action name="Raise"/></finalactions></action></keybind>
  </keyboard>
  <mouse>
    <dragThreshold>4</dragThreshold>
    <doubleClickTime>300</doubleClickTime>
    <context name="Frame">
      <mousebind button="A-Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
      <mousebind button="A-Left" action="Drag"><action name="Move"/></mousebind>
    </context>
    <context name="Titlebar">
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="Left" action="DoubleClick"><action name="ToggleMaximize"/></mousebind>
    </context>
    <context name="Titlebar Top Right Bottom Left TLCorner TRCorner BRCorner BLCorner">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
    <context name="Top"><mousebind button="Left" action="Drag"><action name="Resize"><edge>top</edge></action></mousebind></context>
    <context name="Left"><mousebind button="Left" action="Drag"><action name="Resize"><edge>left</edge></action></mousebind></context>
    <context name="Right"><mousebind button="Left" action="Drag"><action name="Resize"><edge>right</edge></action></mousebind></context>
    <context name="Bottom"><mousebind button="Left" action="Drag"><action name="Resize"><edge>bottom</edge></action></mousebind></context>
    <context name="TRCorner BRCorner TLCorner BLCorner"><mousebind button="Left" action="Drag"><action name="Resize"/></mousebind></context>
    <context name="Client">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
      <mousebind button="Middle" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
      <mousebind button="Right" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
    <context name="Close"><mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind><mousebind button="Left" action="Click"><action name="Close"/></mousebind></context>
    <context name="Maximize"><mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind><mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind></context>
    <context name="Iconify"><mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind><mousebind button="Left" action="Click"><action name="Iconify"/></mousebind></context>
  </mouse>
  <menu><file>menu.xml</file><hideDelay>0</hideDelay></menu>
  <applications>
    <application type="normal"><focus>yes</focus></application>
  </applications>
</openbox_config>
`;
