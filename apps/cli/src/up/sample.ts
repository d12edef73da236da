/** The sample task of `npm start`, for whoever repeats it. */
export { DemoPage } from './demo-page.ts';
export { demoTask } from './demo-task.ts';
