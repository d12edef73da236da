type DocumentPictureInPicture = Readonly<{
  requestWindow(size: { width: number; height: number }): Promise<Window>;
}>;

const api = (globalThis as { documentPictureInPicture?: DocumentPictureInPicture }).documentPictureInPicture;

/** Browsers that can keep a page's window above all others; undefined elsewhere. */
export const keepOnTop =
  api === undefined
    ? undefined
    : async (root: HTMLElement, movedTo: (window: Window) => void): Promise<void> => {
        const small = await api.requestWindow({ width: 376, height: 640 });
        for (const sheet of document.querySelectorAll('link[rel=stylesheet]'))
          small.document.head.append(sheet.cloneNode());
        small.document.title = document.title;
        small.document.documentElement.lang = document.documentElement.lang;
        small.document.documentElement.dir = document.documentElement.dir;
        small.document.body.append(root);
        movedTo(small);
        // Closed by the person: the panel goes back to where it came from.
        small.addEventListener('pagehide', () => {
          document.body.append(root);
          movedTo(window);
        });
      };
