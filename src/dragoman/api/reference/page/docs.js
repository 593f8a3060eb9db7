const said = document.getElementById("said");

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy button");
  if (!button) return;
  const text = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
    said.textContent = "Copied";
  } catch {
    // Without https the browser gives no clipboard: select the text, so that one key press copies it.
    getSelection().selectAllChildren(text);
    button.textContent = "Press Ctrl+C";
    said.textContent = "The text is selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
});

document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const link of document.querySelectorAll("nav li")) {
    const words = link.textContent.toLowerCase() + link.firstElementChild.hash.toLowerCase();
    link.hidden = !words.includes(wanted);
  }
  for (const list of document.querySelectorAll("nav ul")) {
    const empty = !list.querySelector("li:not([hidden])");
    list.hidden = empty;
    list.previousElementSibling.hidden = empty;
  }
});
