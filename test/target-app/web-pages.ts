/** Sends what reached the page to the server, in the page's own words. */
const REPORT = `<script>
function report(event) { fetch('/report', { method: 'POST', body: JSON.stringify(event), keepalive: true }); }
</script>`;

const STYLE = `<style>
body { font-family: "DejaVu Sans", sans-serif; font-size: 15px; margin: 16px; }
label { display: block; margin: 6px 0; } nav a { margin-right: 12px; }
</style>`;

const page = (title: string, body: string) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>${STYLE}${REPORT}</head><body>${body}</body></html>`;

/** By path. `OTHER_ORIGIN` becomes the same server under another site's name. */
export const PAGES: Readonly<Record<string, string>> = {
  '/': page(
    'Target site',
    `<h1>Target site</h1><nav><a href="/form">Order form</a><a href="/docs">Docs</a><a href="/grid">Grid</a></nav>`,
  ),

  '/form': page(
    'Order form',
    `<h1>Order form</h1>
<form method="post" action="/orders">
<label>Full name <input name="name" autocomplete="off"></label>
<label for="mail">E-mail</label><input id="mail" name="email" type="email" placeholder="you@example.org">
<label>Amount <input name="amount" type="number" value="1" min="1"></label>
<label for="country">Country</label><select id="country" name="country"><option>France</option><option>Ghana</option><option>Peru</option></select>
<label><input type="checkbox" name="gift" value="yes"> Gift wrap</label>
<label><input type="checkbox" name="news" value="yes" checked> Send me news</label>
<fieldset><legend>Size</legend><label><input type="radio" name="size" value="small"> Small</label>
<label><input type="radio" name="size" value="large" checked> Large</label></fieldset>
<label for="notes">Notes</label><textarea id="notes" name="notes" rows="3" cols="40"></textarea>
<label>Password <input name="secret" type="password"></label>
<input name="search" placeholder="Search records">
<button type="submit">Place order</button> <button type="button" disabled>Not yet</button>
</form>`,
  ),

  '/docs': page(
    'Documentation',
    `<h1>Documentation</h1><p>Welcome to the <b>documentation</b> of the target site.</p>
<h2 id="start">Getting started</h2><ol><li>Read this page.</li><li>Open the <a href="/form">order form</a>.</li></ol>
<h2>Reference</h2><p>There is nothing else to know.</p>
<div style="height: 1600px"></div><p>The very end. <a href="#start">Back to the start</a></p>`,
  ),

  /** Sixty buttons in rows; each tells which one got the click and where inside it. */
  '/grid': page(
    'Grid',
    `<h1>Grid</h1><div id="grid"></div><script>
const grid = document.getElementById('grid');
for (let row = 0; row < 10; row += 1) {
  const line = document.createElement('div');
  for (let column = 0; column < 6; column += 1) {
    const button = document.createElement('button');
    button.textContent = 'Key ' + (row * 6 + column);
    button.style.cssText = 'width:' + (60 + column * 17) + 'px;height:' + (19 + row * 2) + 'px;margin:' + (1 + (row % 3)) + 'px';
    button.addEventListener('click', (event) => {
      const rect = button.getBoundingClientRect();
      report({ type: 'click', name: button.textContent,
        dx: event.clientX - (rect.left + rect.width / 2), dy: event.clientY - (rect.top + rect.height / 2) });
    });
    line.append(button);
  }
  grid.append(line);
}
</script>`,
  ),

  /** Content that comes with requests 300 ms and 900 ms after the load. */
  '/bursts': page(
    'Bursts',
    `<h1>Bursts</h1><p id="one">First: waiting</p><p id="two">Second: waiting</p><script>
fetch('/late?ms=300&text=here').then((answer) => answer.text()).then((text) => {
  document.getElementById('one').textContent = 'First: ' + text;
  return fetch('/late?ms=600&text=here');
}).then((answer) => answer.text()).then((text) => { document.getElementById('two').textContent = 'Second: ' + text; });
</script>`,
  ),

  '/spinner': page(
    'Spinner',
    `<h1>Spinner</h1><div style="width:24px;height:24px;border:4px solid #ccc;border-top-color:#036;border-radius:50%;animation:turn 1s linear infinite"></div>
<style>@keyframes turn { to { transform: rotate(360deg) } }</style><p>Ready while it turns.</p>`,
  ),

  /** A request that is never answered, as long polls are. */
  '/endless': page(
    'Endless',
    `<h1>Endless</h1><p>Ready.</p><script>fetch('/never').catch(() => {});</script>`,
  ),

  /** Asks a question of its own as soon as it is there. */
  '/alert': page(
    'Alert',
    `<h1>Alert</h1><p id="after">Before</p><script>
setTimeout(() => { alert('Are you there?'); document.getElementById('after').textContent = 'After'; }, 50);
</script>`,
  ),

  '/frames': page(
    'Frames',
    `<h1>Frames</h1><p>Outer text</p>
<iframe title="near" src="/inner?near" style="width:320px;height:150px;border:3px solid #888;margin-left:37px"></iframe>
<iframe title="far" src="OTHER_ORIGIN/nested" style="width:380px;height:240px;border:5px solid #444;padding:4px"></iframe>`,
  ),
  '/nested': page(
    'Nested',
    `<p>Nested text</p><iframe src="/inner?deep" style="width:300px;height:150px"></iframe>`,
  ),
  '/inner': page(
    'Inner',
    `<p>Inner text</p><button>Inner button</button><div style="height:900px"></div><button>Scrolled away</button><script>
const place = location.search.slice(1);
document.querySelector('button').textContent = 'Press ' + place;
document.querySelector('button').addEventListener('click', (event) => {
  const rect = event.target.getBoundingClientRect();
  report({ type: 'click', name: event.target.textContent,
    dx: event.clientX - (rect.left + rect.width / 2), dy: event.clientY - (rect.top + rect.height / 2) });
});
</script>`,
  ),

  /** Names from every place a name can come from; things that are hidden, covered, clipped or drawn by hand. */
  '/names': page(
    'Names',
    `<h1>Names</h1>
<button aria-label="Close panel">×</button>
<button aria-labelledby="spoken also">?</button><span id="spoken">Get</span> <span id="also">help</span>
<button><svg width="12" height="12"><title>Settings</title><rect width="12" height="12"/></svg></button>
<a href="#x"><img alt="Our shop" width="20" height="20" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></a>
<input type="submit" value="Go on"><input type="search" title="Look it up">
<div role="button" tabindex="0">Drawn button</div><div style="cursor:pointer" onclick="0">Card that clicks</div>
<div role="switch" aria-checked="true" tabindex="0" aria-label="Dark mode"></div>
<div contenteditable="true" aria-label="Message">Dear all</div>
<details><summary>More</summary><p>Folded text</p></details>
<label><input type="checkbox" style="opacity:0;position:absolute"> Custom box</label>
<p hidden>Hidden text</p><p style="visibility:hidden">Invisible text</p><p style="display:none">No text</p>
<p style="opacity:0">Transparent text</p>
<div style="height:40px;overflow:auto;border:1px solid"><p>Top line</p><div style="height:300px"></div><button>Below the edge</button></div>
<div style="position:relative;height:30px;width:200px"><button style="width:200px;height:30px">Covered</button>
<div style="position:absolute;inset:0;background:#fed">Cover</div></div>
<my-card></my-card><table><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>4</td></tr></table>
<p>A line with <b>bold</b> and <a href="#y">a link</a> in it.</p>
<script>
customElements.define('my-card', class extends HTMLElement {
  constructor() { super(); this.attachShadow({ mode: 'open' }).innerHTML = '<button>In the shadow</button><slot></slot>'; }
});
document.querySelector('[role=switch]').style.cssText = 'width:30px;height:16px;background:#063';
</script>`,
  ),
};
