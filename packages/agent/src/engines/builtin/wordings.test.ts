import { describe, expect, it } from 'vitest';
import type { IntentType } from './intent.ts';
import { planOf } from './plan.ts';

/** Twenty ways to say each thing that grammar.test.ts does not read to the last detail; one sentence, one step. */
const WORDINGS: Partial<Record<IntentType, string>> = {
  hover: `
    hover over the Help menu
    hover on Products
    hover above the first image
    hover "Products"
    move the mouse over Products
    move the pointer to the Save button
    move the cursor onto "Help"
    point at the Save button
    point to the second link
    mouse over the logo
    please hover over Products
    then hover over the Info icon
    hover over the link that says Docs
    Hover over "Sign in"
    now move the mouse over the chart
    move mouse over Products
    move the mouse to the row of Alice
    hover over the picture in the header
    hover over the third tab
    could you hover over the Help link`,
  drag: `
    drag "report.txt" to the Trash folder
    drag card A to column Done
    drag and drop "a.txt" onto "Archive"
    drag "One" over "Two"
    drag the first item to the last item
    drag "Task 1" into "Done"
    drag the file "x" on top of "Folder"
    drag "Blue" and drop it on "Red"
    please drag "A" to "B"
    pull "A" to "B"
    drag the icon "Mail" to "Desk"
    drag the second card to "Done"
    now drag "A" onto the Trash
    drag "A" into the basket
    drag the picture to "Album"
    drag the row of Alice to "Archive"
    drag "north.png" to "Maps"
    Drag "Milk" to "Bought"
    drag the heading "Intro" to "Outline"
    drag and drop "Milk" into "Bought"`,
  count: `
    count the rows
    count the rows in the table
    count all the rows that contain "Viewer"
    how many rows are there?
    how many unread mails do I have?
    tell me how many items are in the list
    tell me the number of links
    tell me the number of rows that contain Viewer
    count the items of the list
    count the "Delete" buttons
    how many boxes are ticked
    how many checkboxes are not ticked?
    how many rows does the table have
    how many items does the "Groceries" list contain?
    count the rows whose Role is Viewer
    find out how many tickets are open
    count the people with the role Viewer
    count the images on the page
    how many buttons can you see
    what is the number of rows?
    remember how many rows there are as total
    count the rows without "Viewer"
    count the disabled buttons
    how many of the boxes are ticked?`,
  clear: `
    clear the Name field
    empty the Name field
    erase the Name field
    clear out the search box
    clear the text in the Name field
    delete the text in the Name field
    remove the text from the Name field
    delete everything in the Name field
    erase all in the Notes field
    clear "Name"
    blank the Name field
    clear the content of the Notes box
    delete the content of the Notes box
    remove the value of the Amount field
    clear everything
    delete everything
    erase everything
    please clear the Email field
    empty out the Email field
    clear the first text field`,
  check_page: `
    check that the title is "Docs"
    verify that the title contains Docs
    make sure the title says "Docs"
    confirm the page title is "Docs"
    check the title is "Docs"
    ensure the title of the page is "Docs"
    check that the page's title contains "Docs"
    verify the tab title is "Docs"
    check that the window title contains "Docs"
    assert that the document title equals "Docs"
    check that the url is http://a.test/x
    check that the URL contains "/done"
    verify that the address contains "done"
    make sure the url includes "id=5"
    check the address starts with http://a.test
    ensure the URL ends with "/thanks"
    confirm that the page url has "thanks"
    check whether the url matches http://a.test/x
    check you are on the page http://a.test/x
    expect the title to be "Docs"`,
  check_file: `
    check that /tmp/a.txt exists
    verify that the file /tmp/a.txt exists
    make sure /tmp/a.txt was saved
    ensure the file /tmp/a.txt was created
    confirm that /tmp/a.txt has been written
    check that /tmp/a.txt is there
    check if the file notes.txt exists
    check that the file "/tmp/my notes.txt" exists
    make sure the file /tmp/a.txt is present
    check that /tmp/a.txt is on disk
    check that /tmp/a.txt does not exist
    make sure the file /tmp/a.txt doesn't exist
    verify that /tmp/a.txt is gone
    check that /tmp/a.txt was deleted
    ensure /tmp/a.txt is missing
    check that /tmp/a.txt contains "abc"
    verify the file /tmp/a.txt contains the text "abc"
    make sure /tmp/a.txt has "abc"
    check that the file /tmp/a.txt includes abc
    see if /tmp/a.txt exists`,
  check_state: `
    check that the Gift box is ticked
    verify that "Gift" is checked
    make sure the Gift box is not ticked
    check that "Gift" is unchecked
    ensure the Send button is enabled
    check that the Send button is disabled
    confirm that the Send button is greyed out
    check that the Dark radio button is selected
    verify "Dark" is selected
    make sure "Dark" isn't selected
    check that the Name field is focused
    check that Dark mode is turned on
    check that Dark mode is on
    make sure Wi-Fi is off
    verify that the Send button is not enabled
    check if the box is ticked
    check whether the Send button is clickable
    assert that "Gift" is not checked
    ensure that the newsletter checkbox is unticked
    see if the switch is turned off`,
  if: `
    if "Accept" is visible, click it
    if the Next button is visible, then click the Next button, otherwise press Escape
    unless "Signed in" is visible, click the Sign in link
    if a cookie banner appears, accept it
    if the page says "Error", click Retry
    If there's a "Next" button click it, otherwise click "Finish"
    if there is a popup, close it
    if "Sale" is shown click Shop
    if "Sale" is not visible, click Home
    if the Gift box is ticked, untick the Gift box
    if the title is "Login", type "ada" into the User field
    if the url contains "/login", click Cancel
    if you see "Welcome", click Start
    if the Send button is enabled, click the Send button
    if "A" is visible, click A and press Enter
    if it says "Done", take a screenshot
    unless there is a dialog, press F5
    if /tmp/a.txt exists, take a screenshot
    if the Name field contains "Ada", clear the Name field
    if the page contains "Sale", click Shop, else click Contact`,
  repeat: `
    repeat 3 times: click More
    repeat three times: click the More button
    3 times: press Tab
    do this 4 times: click Next
    repeat the following 2 times: click A and click B
    repeat: click Next 3 times
    repeat this twice: press Enter
    five times: click the plus button
    click the plus button 5 times
    click the + button five times
    press the plus button three times
    click "Add" 4 times
    tap the plus button 3 times
    hit the Next button 4 times
    push the More button 6 times
    click on "More" 10 times
    press the Next button twice
    click Add 3 times
    repeat twice: scroll down
    repeat ten times, press Tab`,
  repeat_until: `
    click Next until "The end" is visible
    keep clicking "Next" until "Finished" is visible
    press Tab until "Send" is visible
    repeat: click More until "No more" is shown
    click the Next button repeatedly until "Done" appears
    until "Done" is visible, keep clicking Next
    until "Done" appears, click Next
    keep pressing Tab until the Send button is focused
    tap More until "Bottom" is visible
    hit Next till "Last" is shown
    click More until you see "Bottom"
    while the More button is visible, click it
    as long as "More" is visible, click it
    As long as the "More" button is visible, click it
    click "More" as long as "More" is visible
    keep clicking + until "Count: 4" is visible
    click Next until the Finish button is visible
    click "Load more" until "Load more" is not visible
    press the down arrow until "Berlin" is visible
    keep clicking the Delete button until "Empty" is shown`,
  for_each: `
    for each row, click the Delete button
    for each row in the table, tick the box
    for every checkbox, tick it
    for every row in the table click "Approve"
    for each item click its Remove button
    for all rows: click Edit
    for each row of the list: click Archive
    for each link on the page, hover over it
    tick all boxes
    untick all checkboxes
    tick every checkbox
    check all the checkboxes
    uncheck every box
    for each row click Approve
    for each list item, click Done
    for all of the rows, tick the box
    for each card, click Like
    for every row on the page: click the Pay button
    turn on all switches
    for each item in the cart, click Remove`,
  open_file: `
    open /tmp/notes.txt
    open the file /tmp/notes.txt
    open /tmp/notes.txt in the text editor
    open the file /tmp/notes.txt with mousepad
    open the document /tmp/notes.txt using the text editor
    load /tmp/notes.txt in the editor
    edit /tmp/notes.txt
    edit the file /tmp/notes.txt in mousepad
    view the file /tmp/notes.txt
    in mousepad, open /tmp/notes.txt
    in the text editor open the file /tmp/notes.txt
    using mousepad, open the document /tmp/notes.txt
    open the existing file /tmp/notes.txt
    open up /tmp/notes.txt
    please open ~/notes.txt in the text editor
    open the text file /tmp/notes.txt
    now open the file at /tmp/notes.txt
    open my file /tmp/notes.txt in gedit
    could you open /tmp/notes.txt for me
    then open ./notes.txt in the editor`,
  append_line: `
    add the line "done" at the end
    add a line "done"
    add a new line "done"
    add another line "done" at the bottom
    append the line "done"
    append a line saying "done"
    add a line that says "done"
    add one more line "done"
    insert the line "done" at the end of the file
    write a new line "done"
    add the line: "done"
    add "done" on a new line
    append "done" as a new line
    add "done" as a new last line
    write "done" on a new line
    put "done" in a new line
    add a new line: "done"
    add a line with the text "done"
    please add the line "done" to the end of the document
    put the line "done" at the bottom of the file`,
  replace_text: `
    replace "cat" with "dog"
    replace cat with dog
    replace the word "cat" with "dog"
    replace all "cat" with "dog"
    replace every "cat" by "dog"
    replace all occurrences of "cat" with "dog"
    replace each "cat" with "dog" in the document
    swap "cat" for "dog"
    substitute "cat" with "dog"
    change "cat" to "dog"
    change the word "cat" to "dog"
    change the word cat to dog
    change every word "cat" into "dog"
    change cat to dog
    replace "cat" with "dog" everywhere
    replace the text "cat" with "dog" in the file
    delete the word "cat"
    remove the line "cat"
    erase the sentence "I like cats."
    remove the text "cat" in the document`,
  upload_file: `
    upload /tmp/cv.txt
    upload the file /tmp/cv.txt
    attach /tmp/cv.txt
    attach the file /tmp/cv.txt
    attach the document /tmp/cv.txt
    upload the document /tmp/cv.txt
    upload the picture /tmp/cv.png
    upload /tmp/cv.txt to the page
    upload /tmp/cv.txt into the Document field
    attach /tmp/cv.txt to the form
    choose the file /tmp/cv.txt
    select the file /tmp/cv.txt
    add the file /tmp/cv.txt
    choose the file /tmp/cv.txt for "Document"
    upload the image /tmp/cv.png as the Photo
    please upload /tmp/cv.txt
    then attach the file ~/cv.txt
    upload ~/cv.txt
    select the document /tmp/cv.txt in the Document field
    upload the file ./cv.txt now
    attach "/tmp/my cv.txt" to the message
    upload "/tmp/cv.txt"
    upload my file /tmp/cv.txt
    pick /tmp/cv.txt as the Document
    use /tmp/cv.txt as the Document`,
  add_entry: `
    add a todo "buy milk"
    add the todo "buy milk"
    add a todo called "buy milk"
    add a new task "buy milk"
    create a task called "buy milk"
    create a new todo "buy milk"
    add an item "buy milk"
    add another item "buy milk"
    add the item: buy milk
    enter a todo: buy milk
    post a comment "Nice work"
    post the comment "Nice work"
    add a comment saying "Nice work"
    add a note "call mom"
    add a reminder "call mom"
    add "buy milk" to the list
    add "buy milk" to my shopping list
    create an entry named "buy milk"
    submit a message "hello"
    add a to-do titled "buy milk"`,
  answer_dialog: `
    accept the dialog
    confirm the dialog
    accept the cookies
    accept all cookies
    accept the cookie banner
    confirm the popup
    acknowledge the alert
    agree to the cookies
    say yes to the dialog
    allow cookies
    dismiss the dialog
    dismiss the popup
    close the popup
    close the dialog
    cancel the dialog
    reject all cookies
    decline the cookies
    get rid of the banner
    close the cookie banner
    say no`,
  use_control: `
    delete the second item
    remove the first row
    delete "milk"
    delete Carol
    archive the second message
    edit the row of Alice
    mark "bread" as done
    mark the first item as read
    approve the request of Alice
    reject the second request
    add the Blue mug to the cart
    put the Red chair in the basket
    add a blue mug to my cart
    add to cart
    add it to the cart
    check out
    proceed to checkout
    reply to the message from Bob
    pin the first note
    add "Desk lamp" to the wishlist`,
  save: `
    save
    save it
    save this
    save the file
    save the document
    save the changes
    save changes
    save your work
    save my changes
    save the note
    save the work
    save again
    please save
    now save it
    then save the file
    and save
    finally save the document
    save it please
    save the file again
    could you save it`,
  close_window: `
    close the window
    close it
    quit the application
    close the text editor
    quit Mousepad
    exit the terminal
    close the "Notes" window
    close the current window
    shut down the calculator
    exit out of Chrome
    close mousepad
    close the browser
    close this window
    quit the app
    close the program
    leave the application
    please close the terminal
    then close Chromium
    close the window called "Notes"
    close the active window`,
  focus_window: `
    switch to the terminal window
    switch to the text editor
    focus the "Notes" window
    switch back to Chrome
    go back to the editor
    bring the terminal to the front
    activate the Mousepad window
    return to Chrome
    raise the window titled "Notes"
    bring "Notes" forward
    switch to the Chrome app
    switch over to the terminal
    switch to mousepad
    go back to the terminal
    return to the text editor
    bring mousepad to the foreground
    in the text editor
    using the terminal
    show the Mousepad window
    focus on the terminal window`,
  wait: `
    wait 2 seconds
    wait for 3 seconds
    wait half a second
    wait 500 ms
    wait 500 milliseconds
    wait one second
    wait a second
    wait a moment
    pause for 2 seconds
    pause 1 second
    sleep 2 seconds
    sleep for 5 seconds
    please wait 10 seconds
    then wait two seconds
    wait for a few seconds
    wait 1.5 seconds
    hold on for 3 seconds
    wait another 2 seconds
    give it 2 seconds
    wait for a minute
    wait 1 minute
    wait about 3 seconds
    wait at least 2 seconds
    delay for 2 seconds
    could you wait 4 seconds`,
  wait_until: `
    wait until "Done" is visible
    wait until Done appears
    wait for "Done" to appear
    wait for the dialog
    wait for the page to show "Ready"
    wait until the page shows "Ready"
    wait until "Loading" is gone
    wait until "Loading" disappears
    wait for "Loading" to disappear
    wait for the spinner to go away
    wait up to 10 seconds for "Done" to appear
    wait at most 5 seconds until "Done" is visible
    wait until you see "Done"
    wait till "Done" shows up
    wait for the Save button
    wait for the Save button to be visible
    wait until there is a Save button
    wait until the text "Done" is shown
    please wait for "Welcome"
    wait until "Error" is no longer visible
    wait until "Saving" has gone
    wait until the OK button is there
    wait for "Import complete"
    hold on until "Done" is visible`,
  check_value: `
    check that the Name field contains "Ada"
    check that the Name field says "Ada"
    make sure the Name field is "Ada"
    verify that Email equals "ada@example.com"
    verify the Name field holds "Ada"
    ensure that the Name field reads "Ada"
    check that the value of the Name field is "Ada"
    check the Name field has "Ada" in it
    confirm that the Amount field shows "42"
    make sure Name contains "Ada"
    check that the Display shows "10"
    check whether the Name field contains "Ada"
    the Name field should contain "Ada"
    the Name field should be "Ada"
    check that Name is set to "Ada"
    make sure that the Name field does not contain "Bob"
    verify that the Name field isn't "Bob"
    check that the search box contains "cats"
    see if the Name field contains "Ada"
    please check that the City field contains "Oslo"
    check that the Total reads "12"
    double-check that the Name field contains "Ada"
    assert that the Name field equals "Ada"`,
  select_option: `
    select "Green tea" from Drink
    select Green tea from the Drink list
    select Large in the Size dropdown
    choose Large from the Size dropdown
    choose "Large" as the Size
    set the Country dropdown to Norway
    pick Norway from the Country list
    pick "Large" in Size
    change the Size dropdown to Large
    select the option "Large" from Size
    select Norway as the country
    choose Norway as country
    from the Size dropdown, choose Large
    in the Size dropdown select Large
    set the Size select to Large
    choose the option Large in the Size dropdown
    please select Large from Size
    select "Large" in the "Size" dropdown
    switch the Language dropdown to German
    pick Large for the Size
    in the Country list, pick Norway
    select Large for Size`,
};

describe.each(Object.entries(WORDINGS))('reads wordings: %s', (type, text) => {
  const sentences = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

  it('has twenty', () => {
    expect(new Set(sentences).size).toBeGreaterThanOrEqual(20);
  });

  it.each(sentences)('%s', (sentence) => {
    const plan = planOf(sentence);
    expect(plan.understood ? plan.steps.map(({ intent }) => intent.type) : plan).toEqual([type]);
  });
});
