// Inside the Airflow UI: light or dark as the UI around is, and links to it leave the frame. Alone: as the system is.
(function () {
  var outer = null;
  try {
    if (window.parent !== window) outer = window.parent.document;
  } catch (error) {
    outer = null; // framed by another origin
  }
  function follow() {
    var dark = outer.documentElement.classList.contains("dark");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }
  if (outer) {
    follow();
    new MutationObserver(follow).observe(outer.documentElement, { attributes: true, attributeFilter: ["class"] });
    addEventListener("click", function (event) {
      var clicked = event.target.closest("a[target=_top]");
      if (!clicked || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      // The UI frames pages so that they cannot navigate it; a link of its own document can.
      var link = outer.createElement("a");
      link.href = clicked.href;
      outer.body.append(link);
      link.click();
    });
  }
  addEventListener("change", function (event) {
    if (event.target.matches("select[data-go]")) event.target.form.requestSubmit();
  });
})();
