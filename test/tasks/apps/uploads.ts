import { page, type Site, startSite, text } from './site.ts';

/** One page that takes a file, and shows what it got. */
export interface Uploads extends Site {
  readonly files: ReadonlyArray<Readonly<{ name: string; content: string }>>;
}

export async function startUploads(fault: 'cuts_file' | null): Promise<Uploads> {
  const files: Array<{ name: string; content: string }> = [];
  const site = await startSite({
    'GET /': () => ({
      html: page(
        'Upload',
        `<h1>Upload</h1><form method="post" action="/upload" enctype="multipart/form-data"><label for="file">Document</label><input type="file" id="file" name="file"><p><button>Upload file</button></p></form><ul>${files.map(({ name, content }) => `<li>${text(name)}, ${content.length} characters</li>`).join('')}</ul>`,
      ),
    }),
    'POST /upload': ({ files: sent }) => {
      const file = sent.get('file');
      if (file !== undefined && file.name !== '')
        files.push(fault === 'cuts_file' ? { ...file, content: file.content.slice(0, 3) } : file);
      return { redirect: '/' };
    },
  });
  return Object.assign(site, { files });
}
