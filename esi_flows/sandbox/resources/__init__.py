"""The resource types of the cloud.

Law of this package: a type is data (properties, attributes, how it is referred to); it does
nothing. What a real cloud would have made is described by the properties alone.
"""
