// Offers the table of runs as a download.
text => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
  link.download = 'charplay-runs.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
