"""One graph of jobs in groups in steps, and every picture of it: plan, live, finished.

Law: a picture is a function of its graph alone. The same graph gives the same bytes, sources only
read, and nothing secret ever gets into a graph.
"""
