import { expect, it } from 'vitest';
import { DemoPage } from './demo-page.ts';
import { demoTask } from './demo-task.ts';

it('remembers exactly what the form sent, and says thank you', async () => {
  await using page = await DemoPage.start();
  const form = new URLSearchParams({ name: 'Ada', drink: 'Green tea', music: 'yes', note: 'é & <b>' });
  const response = await fetch(new URL('/orders', page.url), { method: 'POST', body: form });
  expect(await response.text()).toContain('Thank you!');
  expect(page.answers).toEqual([{ name: 'Ada', drink: 'Green tea', music: true, note: 'é & <b>' }]);
});

it('echoes nothing foreign into its pages', async () => {
  await using page = await DemoPage.start();
  const html = await (await fetch(new URL('/thanks?n=<script>alert(1)</script>', page.url))).text();
  expect(html).not.toContain('<script>');
  expect((await fetch(new URL('/else', page.url))).status).toBe(404);
});

it('names in the task are those of the form', async () => {
  await using page = await DemoPage.start();
  const html = await (await fetch(page.url)).text();
  const demo = demoTask('/tmp/note.txt', page.url);
  for (const label of ['Name', 'Drink', 'Note', 'With music', 'Send order', demo.drink])
    expect(html).toContain(label);
  expect(demo.task).toContain(demo.note);
});
