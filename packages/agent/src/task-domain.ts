import {
  canonicalUrl,
  contains,
  hasSecretReference,
  isThisComputer,
  type Observation,
  type Operation,
  type ScreenElement,
} from '@deskhand/protocol';
import { commandsIn } from './engines/builtin/commands-in.ts';

/**
 * What a task is about, as far as its own words tell: which sites, and whether it wants commands, passwords or
 * downloads. What is on the screen never widens it; leaving it needs a person. A page can talk an engine into
 * anything, so this looks at what is done, not at why.
 */
export type TaskDomain = Readonly<{
  /** Hosts; with their port on this computer and for bare addresses, where each port is a site of its own. */
  sites: ReadonlySet<string>;
  /** The task is to look around on the web. */
  anySite: boolean;
  kinds: ReadonlySet<DomainKind>;
  /** The very commands that the task's words mean (“rename /tmp/a.txt to b.txt”), though it speaks of no terminal. */
  commands: () => ReadonlySet<string>;
}>;
export type DomainKind = 'terminal' | 'credentials' | 'download';

/** How an action leaves the domain. `key` is what a person's yes covers for the rest of the run. */
export type Departure = Readonly<{ key: string; rule: string; what: string }>;

/** Not within a path or an e-mail address, unless written with its scheme. */
const SITE =
  /(?:https?:\/\/|(?<![\p{L}\p{N}/\\@.~_-]))(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})(?::\d+)?/giu;
/** Ends of file names; "notes.md" is a site only where the task writes https:// before it. */
const FILE =
  /\.(?:txt|log|pdf|csv|tsv|docx?|xlsx?|pptx?|od[tsp]|rtf|md|html?|json|xml|ya?ml|ini|conf|png|jpe?g|gif|svg|webp|bmp|mp[34]|wav|zip|tar|gz|7z|js|ts|py|sh|rb|rs|go|java|exe|msi|deb|rpm|iso)$/i;
const ANY_SITE =
  /\b(?:search|browse|surf|look|find|google)\b.{0,40}\b(?:web|internet|online)\b|\b(?:google|bing|duckduckgo|any (?:web)?site|(?:several|different|other) (?:web)?sites)\b/i;
const WORDS: Readonly<Record<DomainKind, RegExp>> = {
  terminal:
    /\b(?:terminal|xterm|konsole|console|shell|bash|power ?shell|command(?: line| prompt)?s?|run|runs|execute|script|compile|git|npm|pip|apt|sudo)\b/i,
  credentials:
    /\b(?:passwords?|passcode|passphrase|pin|credentials?|log ?in|log on|sign ?in|sign ?up|register|secret)\b/i,
  download: /\b(?:download|install|export|save|attachments?|get the file|fetch)\b/i,
};
const TERMINAL =
  /(?:^|[^a-z])(?:u?xterm|u?rxvt|konsole|kitty|alacritty|tilix|terminator|terminal|console|shell|cmd|powershell|command prompt)(?:$|[^a-z])/i;
const BAIT =
  /\b(?:download|install|set ?up)\b|\.(?:exe|msi|dmg|deb|rpm|appimage|sh|bat|cmd|ps1|apk|jar|scr|iso|zip|7z)\b/i;
const RUNS_WHEN_OPENED = /\.(?:exe|msi|dmg|deb|rpm|appimage|sh|bat|cmd|ps1|apk|jar|scr|iso)$/i;

/** Pure: the person's own words only. */
export function taskDomain(task: string, instructions: string | null): TaskDomain {
  const words = `${task}\n${instructions ?? ''}`;
  const sites = [...words.matchAll(SITE)]
    .map(([text]) => {
      if (/^https?:/i.test(text)) return siteOf(text);
      return FILE.test(text) ? null : siteOf(`http://${text}`);
    })
    .filter((site) => site !== null);
  const kinds = (Object.keys(WORDS) as DomainKind[]).filter(
    // A task that names the very thing wants it.
    (kind) => WORDS[kind].test(words) || (kind === 'download' && BAIT.test(words)),
  );
  return {
    sites: new Set(sites),
    anySite: ANY_SITE.test(words),
    kinds: new Set(kinds),
    commands: () => commandsIn(task),
  };
}

/** Keeps a run within its task; one per run. */
export class DomainGuard {
  readonly #domain: TaskDomain;
  readonly #sites: Set<string>;
  readonly #granted = new Set<string>();
  readonly #refused = new Map<string, number>();
  #pageSeen = false;

  constructor(domain: TaskDomain) {
    this.#domain = domain;
    this.#sites = new Set(domain.sites);
  }

  /** To be told of every look, in order: what lay open before anything was done belongs to a task that names no site. */
  saw({ page }: Observation): void {
    const site = page === null ? null : siteOf(page.url);
    if (site === null) return;
    if (!this.#pageSeen && this.#domain.sites.size === 0) this.#sites.add(site);
    this.#pageSeen = true;
  }

  /** The first operation that leaves what the task is about and what a person has allowed since; null for none. */
  departure(operations: readonly Operation[], observation: Observation): Departure | null {
    for (const operation of operations) {
      const found = this.#leaves(operation, observation);
      if (found !== null && !this.#granted.has(found.key)) return found;
    }
    return null;
  }

  grant({ key }: Departure): void {
    this.#granted.add(key);
    if (key.startsWith('site:')) this.#sites.add(key.slice('site:'.length));
  }

  /** @returns how often it was refused by now. */
  refuse({ key }: Departure): number {
    const times = (this.#refused.get(key) ?? 0) + 1;
    this.#refused.set(key, times);
    return times;
  }

  wasRefused({ key }: Departure): boolean {
    return this.#refused.has(key);
  }

  #leaves(operation: Operation, observation: Observation): Departure | null {
    const { page } = observation;
    switch (operation.type) {
      case 'run_command':
        return this.#command(operation.command);
      case 'open_application':
        return TERMINAL.test(operation.name)
          ? this.#kind('terminal', `Open ${operation.name.slice(0, 80)}`)
          : null;
      case 'browser_navigate':
        return this.#navigation(operation.url);
      case 'click':
        return (
          this.#onPage(page) ??
          (page !== null && isBait(elementAt(observation, operation.point))
            ? this.#kind('download', 'Click something that downloads or installs')
            : null)
        );
      case 'drag':
        return this.#onPage(page);
      case 'type_text':
        return this.#onPage(page) ?? this.#typing(operation.text, observation);
      case 'key_press':
        return this.#onPage(page) ?? this.#typing(operation.keys.join(''), observation);
      case 'key_combo':
        // Going back and closing lead home.
        return isLeaving(operation.keys) ? null : this.#onPage(page);
      default:
        return null;
    }
  }

  #command(command: string): Departure | null {
    const departure = this.#kind('terminal', 'Run a command in a terminal');
    // The whole task is read for this: only where its words alone do not speak of a terminal.
    return departure !== null && this.#domain.commands().has(command) ? null : departure;
  }

  #typing(text: string, { elements, windows, activeWindowId }: Observation): Departure | null {
    const active = windows.find(({ id }) => id === activeWindowId);
    if (active !== undefined && TERMINAL.test(active.application))
      return this.#kind('terminal', `Type into ${active.application.slice(0, 80)}`);
    const field = elements.find(({ states }) => states.includes('focused') && states.includes('protected'));
    if (field === undefined || hasSecretReference(text)) return null;
    return this.#kind('credentials', 'Type into a password field');
  }

  #navigation(url: string): Departure | null {
    const canonical = canonicalUrl(url);
    if (canonical !== null && RUNS_WHEN_OPENED.test(canonical.path.replace(/\?.*/, ''))) {
      const download = this.#kind('download', `Fetch ${canonical.href.slice(0, 200)}`);
      if (download !== null) return download;
    }
    const site = siteOf(url);
    if (site === null) return null;
    // Chosen before any page could have its say, for a task that leaves the choice.
    if (!this.#pageSeen && this.#domain.sites.size === 0 && this.#sites.size === 0) {
      this.#sites.add(site);
      return null;
    }
    return this.#site(site, `Go to ${site}`);
  }

  #onPage(page: Observation['page']): Departure | null {
    const site = page === null ? null : siteOf(page.url);
    return site === null ? null : this.#site(site, `Act on ${site}`);
  }

  #site(site: string, what: string): Departure | null {
    if (this.#domain.anySite || [...this.#sites].some((known) => belongsTo(site, known))) return null;
    return { key: `site:${site}`, rule: 'domain:site', what };
  }

  #kind(kind: DomainKind, what: string): Departure | null {
    return this.#domain.kinds.has(kind) ? null : { key: `kind:${kind}`, rule: `domain:${kind}`, what };
  }
}

/** Null for what is no site: empty tabs, files, the browser's own pages. */
function siteOf(text: string): string | null {
  const url = canonicalUrl(text);
  if (url === null || (url.scheme !== 'http' && url.scheme !== 'https') || url.host === '') return null;
  if (isThisComputer(url.host) || /^[\d.]+$|^\[/.test(url.host)) return `${url.host}:${url.port}`;
  return url.host.replace(/^www\./, '');
}

function belongsTo(site: string, known: string): boolean {
  // "localhost" in a task says no port; every other name covers what lies below it.
  return site === known || site.endsWith(`.${known}`);
}

function isLeaving(keys: readonly string[]): boolean {
  const chord = keys
    .map((key) => key.toLowerCase())
    .sort()
    .join('+');
  return ['alt+left', 'ctrl+w', 'alt+f4', 'escape'].includes(chord);
}

function elementAt(
  { elements }: Observation,
  point: Readonly<{ x: number; y: number }>,
): ScreenElement | null {
  const there = elements.filter(({ bounds }) => contains(bounds, point));
  const area = ({ bounds }: ScreenElement) => bounds.width * bounds.height;
  return there.reduce<ScreenElement | null>(
    (best, element) => (best === null || area(element) < area(best) ? element : best),
    null,
  );
}

function isBait(element: ScreenElement | null): boolean {
  return element !== null && BAIT.test(`${element.name} ${element.description ?? ''}`);
}
