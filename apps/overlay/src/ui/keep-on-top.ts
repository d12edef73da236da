type DocumentPictureInPicture = Readonly<{
  requestWindow(size: { width: number; height: number }): Promise<Window>;
}>;

const api = (globalThis as { documentPictureInPicture?: DocumentPictureInPicture }).documentPictureInPicture;

/**
 * Moves the panel into a window above all others, and back when the person closes it; undefined where the browser
 * can't.
 * @param movedTo told which window shows the panel now.
 */
export const keepOnTop =
  api === undefined
    ? undefined
    : async (movedTo: (window: Window) => void): Promise<void> => {
        const small = await api.requestWindow({ width: 376, height: 640 });
        const { head, documentElement: html, body } = small.document;
        for (const sheet of document.querySelectorAll('link[rel=stylesheet]')) head.append(sheet.cloneNode());
        small.document.title = document.title;
        html.lang = document.documentElement.lang;
        html.dir = document.documentElement.dir;
        const panel = document.getElementById('panel') as HTMLElement;
        body.append(panel);
        movedTo(small);
        small.addEventListener('pagehide', () => {
          document.body.append(panel);
          movedTo(window);
        });
      };
