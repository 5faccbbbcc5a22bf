from pyspark.sql.datasource import DataSource

__all__ = ["FlightDataSource"]

class FlightDataSource(DataSource): ...
