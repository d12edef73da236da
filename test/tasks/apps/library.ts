import { page, type Site, startSite, text } from './site.ts';

export type LibraryFault = 'reserves_another' | 'mislabels' | 'forgets_reservation';

export type Book = Readonly<{ id: string; title: string; author: string; shelf: string; year: number }>;

/** A catalogue with search, long results on pages, and reservations; a long text to scroll through. */
export interface Library extends Site {
  readonly reserved: readonly string[];
  /** `mark: title shown` */
  readonly lookups: readonly string[];
  readonly acknowledged: () => boolean;
}

const TITLES: ReadonlyArray<readonly [string, string, number]> = [
  ['The Tidal Clock', 'Mira Solberg', 1998],
  ['A Field Guide to Moss', 'Peter Lowe', 2011],
  ['Moss and Memory', 'Chiara Ferri', 2019],
  ['Notes on Rivers', 'Anton Havel', 1975],
  ['Rivers of the North', 'Sigrid Dahl', 2004],
  ['The Last Ferry', 'Mira Solberg', 2006],
  ['Ferry Timetables 1931', 'Harbour Board', 1931],
  ['Salt Roads', 'Yusuf Demir', 2015],
  ['Roads to Nowhere', 'Ellen Marsh', 1988],
  ['Quiet Machines', 'Ivo Petrov', 2022],
];

export async function startLibrary(fault: LibraryFault | null): Promise<Library> {
  const books: Book[] = TITLES.map(([title, author, year], index) => ({
    id: `b${index + 1}`,
    title,
    author,
    year,
    shelf: `${String.fromCharCode(65 + (index % 5))}-${17 + index * 3}`,
  }));
  const reserved: string[] = [];
  const lookups: string[] = [];
  let acknowledged = false;
  const nav =
    '<a href="/">Search</a><a href="/shelf">Shelf lookup</a><a href="/reservations">Reservations</a><a href="/rules">House rules</a>';
  const site = await startSite({
    'GET /': ({ query }) => {
      const words = query.get('q')?.trim().toLowerCase() ?? '';
      const found =
        words === ''
          ? []
          : books.filter(({ title, author }) => `${title} ${author}`.toLowerCase().includes(words));
      return {
        html: page(
          'Library',
          `<h1>Library</h1><form role="search"><label for="q">Search the catalogue</label><input type="search" id="q" name="q" value="${text(words)}"> <button>Search</button></form>${words === '' ? '' : `<p>${found.length} results</p><ul>${found.map(({ id, title, author }) => `<li><a href="/b/${id}">${text(title)}</a> by ${text(author)}</li>`).join('')}</ul>`}`,
          { nav },
        ),
      };
    },
    'GET /b/:id': ({ parts }) => {
      const book = books.find(({ id }) => id === parts.id) as Book;
      return {
        html: page(
          book.title,
          `<h1>${text(book.title)}</h1><dl><dt>Author</dt><dd>${text(book.author)}</dd><dt>Year</dt><dd>${book.year}</dd><dt>Shelf</dt><dd>${book.shelf}</dd></dl><form method="post" action="/b/${book.id}/reserve"><button>Reserve this book</button></form>`,
          { nav },
        ),
      };
    },
    'POST /b/:id/reserve': ({ parts }) => {
      const index = books.findIndex(({ id }) => id === parts.id);
      const book = books[fault === 'reserves_another' ? (index + 1) % books.length : index];
      if (book !== undefined && fault !== 'forgets_reservation') reserved.push(book.title);
      return { redirect: '/reservations' };
    },
    'GET /reservations': () => ({
      html: page(
        'Reservations',
        `<h1>Reservations</h1>${reserved.length === 0 ? '<p>Nothing is reserved.</p>' : `<ul>${reserved.map((title) => `<li>${text(title)}</li>`).join('')}</ul>`}`,
        { nav },
      ),
    }),
    'GET /shelf': ({ query }) => {
      const shelf = query.get('shelf')?.trim() ?? '';
      const index = books.findIndex((book) => book.shelf === shelf);
      const book = fault === 'mislabels' ? books[(index + 1) % books.length] : books[index];
      if (shelf !== '') lookups.push(`${shelf}: ${book?.title ?? 'none'}`);
      return {
        html: page(
          'Shelf lookup',
          `<h1>Shelf lookup</h1><form><label for="shelf">Shelf mark</label><input type="text" id="shelf" name="shelf"> <button>Look up</button></form>${shelf === '' ? '' : index < 0 ? '<p>There is no such shelf.</p>' : `<p>On shelf ${text(shelf)}: ${text(book?.title ?? '')}</p>`}`,
          { nav },
        ),
      };
    },
    'GET /rules': () => ({
      html: page(
        'House rules',
        `<h1>House rules</h1>${Array.from({ length: 40 }, (_, index) => `<p>Rule ${index + 1}. Please be kind to books, to readers and to the ${['lamps', 'chairs', 'plants', 'cats'][index % 4]}.</p>`).join('')}<form method="post" action="/rules"><button>I have read the rules</button></form><p>Printed in 1987.</p>`,
        { nav },
      ),
    }),
    'POST /rules': () => {
      acknowledged = fault === null;
      return { redirect: '/acknowledged' };
    },
    'GET /acknowledged': () => ({
      html: page('Rules', acknowledged ? '<h1>Thank you for reading</h1>' : '<h1>Something went wrong</h1>', {
        nav,
      }),
    }),
  });
  return Object.assign(site, { reserved, lookups, acknowledged: () => acknowledged });
}
