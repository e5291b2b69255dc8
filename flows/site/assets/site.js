// Tables that sort and search. Needs tablesort, which stands before it in the page; without scripts every table is still there to be read.
(function () {
  "use strict";
  var EMPTY = "∅";
  var order = new Intl.Collator("vi", { numeric: true });
  var ascending = true;

  // tablesort turns its list round for "ascending", so its comparators are written the other way; cells without a value stay last both ways.
  function emptyLast(compare) {
    return function (a, b) {
      if (a === EMPTY || b === EMPTY) {
        return a === b ? 0 : (a === EMPTY) === ascending ? -1 : 1;
      }
      return compare(b, a);
    };
  }
  function never() { return false; }
  Tablesort.extend("vi", never, emptyLast(function (a, b) { return order.compare(a.trim(), b.trim()); }));
  Tablesort.extend("so", never, emptyLast(function (a, b) { return parseFloat(a) - parseFloat(b); }));

  document.querySelectorAll("table").forEach(function (table) {
    if (table.tBodies[0].rows.length < 2) { return; }
    var headings = table.tHead.rows[0].cells;
    Array.prototype.forEach.call(headings, function (heading) {
      var button = document.createElement("button");
      button.type = "button";
      button.append.apply(button, Array.from(heading.childNodes));
      heading.append(button);
    });
    new Tablesort(table);
    Array.prototype.forEach.call(headings, function (heading) {
      heading.removeAttribute("tabindex");  // its button takes the keyboard
      heading.removeAttribute("role");
      heading.addEventListener("click", function () { ascending = heading.getAttribute("aria-sort") !== "ascending"; }, true);
      heading.addEventListener("keydown", function () { ascending = heading.getAttribute("aria-sort") !== "ascending"; }, true);
    });
  });

  // Convenience for the reader only: typed with or without accents, in any case. Words in any order must all be there.
  function plain(text) {
    return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  }
  function exact(text) { return text.toLowerCase().normalize("NFC"); }

  document.querySelectorAll("input[type=search]").forEach(function (field) {
    var rows = Array.from(document.getElementById(field.dataset.table).tBodies[0].rows);
    var told = field.parentNode.querySelector("output");
    var texts = rows.map(function (row) { return { exact: exact(row.textContent), plain: plain(row.textContent) }; });
    field.parentNode.hidden = false;
    field.addEventListener("input", function () {
      var words = field.value.split(/\s+/).filter(Boolean);
      var found = 0;
      rows.forEach(function (row, place) {
        row.hidden = !words.every(function (word) {
          return plain(word) === exact(word) ? texts[place].plain.includes(plain(word)) : texts[place].exact.includes(exact(word));
        });
        found += row.hidden ? 0 : 1;
      });
      told.textContent = (words.length ? found + "/" : "") + rows.length + " " + told.dataset.unit;
    });
  });
})();
