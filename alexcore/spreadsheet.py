"""Tables as CSV for people, who open them in a spreadsheet."""

from __future__ import annotations

import pandas as pd

from alexcore.names import in_cell


def csv_of(table: pd.DataFrame) -> str:
    """The table as CSV in which no name is a formula; what programs read again is written as it is, elsewhere."""
    words = [name for name, kind in table.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    shown = table.assign(**{str(name): table[name].map(in_cell) for name in words})
    return str(shown.rename(columns=in_cell).to_csv(index=False))
