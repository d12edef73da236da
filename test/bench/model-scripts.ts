import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ScriptedReply } from '@deskhand/agent/testing';
import { startMail } from '../tasks/apps/mail.ts';
import { startPeople } from '../tasks/apps/people.ts';
import { startShop } from '../tasks/apps/shop.ts';

/** Pieces of an answer; a pause before each makes a model of known speed. */
const WORDS =
  'I look at the page, find the next field of the form and fill it in, then I go on to the next one.';
const FIELDS = ['Name', 'Street', 'City', 'Country', 'Mail', 'Phone'];

/** One run of a scripted model, over real pages or applications. */
export type ScriptedRun = Readonly<{ name: string; task: string; replies: readonly ScriptedReply[] }>;

export interface ScriptedRuns extends AsyncDisposable {
  readonly form: ScriptedRun;
  /** A form beside a photograph, an administration table, a shop, a mailbox, a text editor. */
  readonly others: readonly ScriptedRun[];
}

/** @param pieceMs pause before each of the dozen pieces of an answer in the run over the form. */
export async function openScriptedRuns(pieceMs: number): Promise<ScriptedRuns> {
  const pages = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(request.url === '/photograph' ? pageWith(PHOTOGRAPH) : pageWith(''));
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`;
  const [people, shop, mail] = await Promise.all([startPeople(null), startShop(null), startMail(null)]);
  return {
    form: formRun('a form of text', `${url}form`, pieceMs),
    others: [
      formRun('a form beside a photograph', `${url}photograph`, 0),
      {
        name: 'an administration table',
        task: `Open ${people.url} and add two people.`,
        replies: [
          goTo(people.url),
          ...['Ada', 'Grace'].flatMap((name) => [
            click(/^link "Add person"/),
            fill('Name', name),
            fill('Email', `${name}@example.test`),
            click(/^button "Create person"/),
          ]),
          done,
        ],
      },
      {
        name: 'a shop',
        task: `Open ${shop.url} and put some things into the cart.`,
        replies: [
          goTo(shop.url),
          ...[1, 2, 3].flatMap(() => [click(/^button "Add .* to cart"/), click(/^link "Products"/)]),
          click(/^link "Cart"/),
          fill('Coupon code', 'SPRING'),
          done,
        ],
      },
      {
        name: 'a mailbox',
        task: `Open ${mail.url} and write to Ada.`,
        replies: [
          goTo(mail.url),
          click(/^link "Lunch on Thursday/),
          click(/^link "Compose"/),
          fill('To', 'ada@example.test'),
          fill('Subject', 'Thursday'),
          fill('Message', 'Dear Ada, Thursday at noon suits me well.'),
          click(/^button "Send"/),
          done,
        ],
      },
      {
        name: 'a text editor',
        task: 'Write a letter in the text editor.',
        replies: [
          { calls: [{ name: 'open_application', input: { name: 'text editor' } }] },
          ...Array.from({ length: 8 }, (_, index) => ({
            calls: [
              {
                name: 'type_text',
                input: { text: `Line ${index + 1} of a letter about a meeting that was moved.\n` },
              },
            ],
          })),
          done,
        ],
      },
    ],
    async [Symbol.asyncDispose]() {
      pages.closeAllConnections();
      pages.close();
      await Promise.all([people, shop, mail].map((site) => site[Symbol.asyncDispose]()));
    },
  };
}

function formRun(name: string, url: string, pieceMs: number): ScriptedRun {
  const slowly = (reply: ScriptedReply): ScriptedReply =>
    typeof reply === 'function'
      ? (body) => ({ ...reply(body), text: WORDS, pieceMs })
      : { ...reply, text: WORDS, pieceMs };
  const replies = [
    goTo(url),
    ...FIELDS.map((field) => fill(field, `${field} of Ada Lovelace`)),
    click(/^button "Send"/),
    done,
  ];
  return {
    name,
    task: `Open ${url} and fill in the form.`,
    replies: pieceMs === 0 ? replies : replies.map(slowly),
  };
}

const done: ScriptedReply = { calls: [{ name: 'done', input: { summary: 'Done.' } }] };

const goTo = (url: string): ScriptedReply => ({
  calls: [{ name: 'browser_navigate', input: { url } }],
});

const click =
  (name: RegExp): ScriptedReply =>
  (body) => ({ calls: [{ name: 'click_element', input: { element: numberOf(body, name) } }] });

const fill =
  (field: string, text: string): ScriptedReply =>
  (body) => ({
    calls: [
      {
        name: 'click_element',
        input: { element: numberOf(body, new RegExp(`^text_(?:field|area) "${field}`)) },
      },
      { name: 'type_text', input: { text } },
    ],
  });

function numberOf(body: Record<string, unknown>, name: RegExp): number {
  const text = JSON.stringify(body.messages).replaceAll('\\n', '\n').replaceAll('\\"', '"');
  const list = text.slice(text.lastIndexOf('Elements:'));
  for (const [, number, what = ''] of list.matchAll(/\[(\d+)\] (.*?) at \d+,\d+/g))
    if (name.test(what)) return Number(number);
  throw new Error(`no ${name} in ${list.slice(0, 2000)}`);
}

/** A page as pages are: a form with some text, and, where it is asked for, a picture as cameras make them. */
const pageWith = (photograph: string) => `<!doctype html><meta charset="utf-8"><title>Order</title>
<style>body{margin:0;font:16px sans-serif}main{display:flex;gap:2rem;padding:2rem}label{display:block;margin:.7rem 0}</style>
<main><form><h1>Order form</h1>${FIELDS.map((field) => `<label>${field} <input name="${field}"></label>`).join('')}<button type="button">Send</button></form>
<div>${photograph}<p>${'All prices include taxes and delivery within three days. '.repeat(24)}</p></div></main>`;

const PHOTOGRAPH = `<canvas width="1100" height="620"></canvas>
<script>const c=document.querySelector('canvas').getContext('2d');const w=1100,h=620,i=c.createImageData(w,h);let s=7;
const r=()=>(s=(s*1103515245+12345)&0x7fffffff)/0x7fffffff;
for(let y=0;y<h;y++)for(let x=0;x<w;x++){const o=(y*w+x)*4,n=(r()-.5)*14,a=Math.sin(x/90)*50+Math.cos(y/70)*40;
i.data[o]=130+a+n;i.data[o+1]=140+Math.sin((x+y)/120)*60+n;i.data[o+2]=160-a+n;i.data[o+3]=255}c.putImageData(i,0,0)</script>`;
