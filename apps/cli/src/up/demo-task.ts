/** The sample task of `npm start`: an application, the keyboard and the browser, in plain words. */

export type DemoTask = Readonly<{
  task: string;
  note: string;
  noteFile: string;
  name: string;
  drink: string;
  wish: string;
}>;

export function demoTask(noteFile: string, pageUrl: string): DemoTask {
  const note = [
    'Hello from Deskhand!',
    'Symbols: 100% & #1 (a+b)=~^ {x} @home $5',
    'Accents: café, naïve, Zürich, señor, Ærøskøbing',
  ].join('\n');
  const name = 'Ada Lovelace';
  const drink = 'Green tea';
  const wish = 'No sugar, s’il vous plaît';
  const task = [
    'Open the text editor.',
    `Type "${note}".`,
    `Save it as ${noteFile}.`,
    `Open the browser and go to ${pageUrl}.`,
    `Type "${name}" into the Name field.`,
    `Select "${drink}" from the Drink list.`,
    `Type "${wish}" into the Note field.`,
    'Tick the "With music" box.',
    'Click the "Send order" button.',
    'Check that "Thank you" is visible.',
    'Take a screenshot.',
  ].join(' ');
  return { task, note, noteFile, name, drink, wish };
}
