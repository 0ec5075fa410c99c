"""Files that are no table of separated fields, known by their first bytes or their name, and how to bring them in."""

from __future__ import annotations

from dataclasses import dataclass

from twolayer.errors import FileError
from twolayer.tables.readers.file_format import ReadOptions

PANDAS = 'import pandas; pandas.{call}.to_csv("table.csv", index=False)'
SAVE_AS_CSV = "save it as CSV in UTF-8"


@dataclass(frozen=True)
class ForeignFormat:
    """A kind of file that is not read.

    Attributes
    ----------
    name : str
    starts : tuple of bytes
        What such files begin with, in lower case.
    endings : tuple of str
    advice : str
        How to bring them in; {path} is the file.
    """

    name: str
    starts: tuple[bytes, ...]
    advice: str
    endings: tuple[str, ...] = ()


FOREIGN_FORMATS = (
    ForeignFormat(
        "a GCT file (genes in rows, after two lines)",
        (b"#1.2",),
        "read it with --skip-lines 2 --drop Description --transpose",
    ),
    ForeignFormat(
        "a GCT file with rows of annotations",
        (b"#1.3",),
        "in Python, with cmapPy: from cmapPy.pandasGEXpress.parse import parse; "
        'parse("{path}").data_df.T.to_csv("table.csv")',
    ),
    ForeignFormat(
        "a GEO series matrix",
        (b"!series_", b"!series\t", b"!sample_", b"^database", b"^series"),
        "read it with --comment '!' --transpose",
    ),
    ForeignFormat(
        "an ARFF file",
        (b"@relation",),
        'in Python: from scipy.io import arff; import polars; polars.DataFrame(arff.loadarff("{path}")[0])'
        '.write_csv("table.csv")',
        (".arff",),
    ),
    ForeignFormat(
        "a VCF file",
        (b"##fileformat=vcf",),
        "convert genotypes to numbers first (plink --recode A)",
    ),
    ForeignFormat(
        "JSON",
        (b"{", b"["),
        'in Python: import polars; polars.read_json("{path}").write_csv("table.csv") (read_ndjson for an object per line)',
        (".json", ".jsonl", ".ndjson"),
    ),
    ForeignFormat(
        "a page of HTML or XML", (b"<!doctype", b"<html", b"<?xml", b"<table"), SAVE_AS_CSV
    ),
    ForeignFormat("a PDF file", (b"%pdf",), SAVE_AS_CSV),
    ForeignFormat(
        "a FASTA file", (), "sequences must become columns of numbers first", (".fasta", ".fa")
    ),
    ForeignFormat(
        "an SPSS file",
        (b"$fl2", b"$fl3"),
        "in Python, with pyreadstat: " + PANDAS.format(call='read_spss("{path}")'),
        (".sav", ".zsav"),
    ),
    ForeignFormat(
        "a Stata file",
        (b"<stata_dta>",),
        "in Python: " + PANDAS.format(call='read_stata("{path}")'),
        (".dta",),
    ),
    ForeignFormat(
        "a SAS file",
        (b"header record*******library",),
        "in Python: " + PANDAS.format(call='read_sas("{path}")'),
        (".sas7bdat", ".xpt"),
    ),
    ForeignFormat(
        "an HDF5 file",
        (b"\x89hdf",),
        "in Python, with anndata for .h5ad: import anndata; "
        'anndata.read_h5ad("{path}").to_df().to_csv("table.csv")',
        (".h5", ".hdf5", ".h5ad"),
    ),
    ForeignFormat(
        "a MATLAB file",
        (b"matlab 5.0",),
        'in Python: import numpy, scipy.io; numpy.save("table.npy", scipy.io.loadmat("{path}")["NAME"])',
        (".mat",),
    ),
    ForeignFormat(
        "a file of R",
        (b"rdx2", b"rdx3", b"x\n\0\0\0"),
        'in R: write.csv(readRDS("{path}"), "table.csv")',
        (".rds", ".rda", ".rdata"),
    ),
    ForeignFormat(
        "a pickle of Python",
        (),
        'in Python, if you trust it: import pandas; pandas.read_pickle("{path}").to_csv("table.csv")',
        (".pkl", ".pickle"),
    ),
    ForeignFormat("a database of SQLite", (b"sqlite format 3",), "export the table as CSV"),
    ForeignFormat(
        "a model, or weights, not a table",
        (),
        "give the table; twolayer predict MODEL TABLE and twolayer inspect MODEL take a model",
        (".safetensors",),
    ),
    ForeignFormat(
        "a picture",
        (b"\x89png", b"gif8", b"\xff\xd8\xff"),
        "a table has a row of numbers for each sample",
        (".png", ".jpg", ".jpeg"),
    ),
    ForeignFormat("a Parquet file", (b"par1",), "end its name in .parquet"),
    ForeignFormat("an Arrow file", (b"arrow1",), "end its name in .arrow"),
    ForeignFormat("an array of NumPy", (b"\x93numpy",), "end its name in .npy"),
    ForeignFormat(
        "a zip file", (b"pk\x03\x04",), "unpack it; if it is an Excel file, end its name in .xlsx"
    ),
    ForeignFormat(
        "a compressed file",
        (b"bzh", b"\xfd7zxz", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf"),
        "unpack it, or pack it with gzip",
        (".bz2", ".xz", ".zst", ".7z"),
    ),
)


def check_is_table(path: str, start: bytes, options: ReadOptions) -> None:
    """Raise FileError if a text file, which begins so, is known to be something else."""
    small, name = (
        start[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower(),
        path.lower().removesuffix(".gz"),
    )
    told = options.layout.skip_lines or options.layout.comment is not None
    for one in FOREIGN_FORMATS:
        if not told and (
            small.startswith(one.starts) or (one.endings and name.endswith(one.endings))
        ):
            raise FileError(f"{path} is {one.name}: {one.advice.replace('{path}', path)}")
    if not told and b"\n@relation" in start[:4096].lower():
        raise FileError(
            f"{path} is an ARFF file: {FOREIGN_FORMATS[3].advice.replace('{path}', path)}"
        )
